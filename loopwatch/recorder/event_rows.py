"""Writes events, and deletes those of a finding that exceed the limit in the settings."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, QuerySet

from loopwatch.models import BlockingEvent
from loopwatch.recorder.event_columns import FindingEvents

SLOWEST_KEPT = 10
_IDS_PER_QUERY = 500
_FEW_EVENTS = 200


def write(alias: str, events: Iterable[tuple[int, FindingEvents]]) -> None:
    """Store events by the id of their finding: insert the new ones, and update others that still exist.

    A new event that is stored already stays as it is; that happens when a stall was reported twice as new.
    """
    stored = BlockingEvent.objects.using(alias)
    rows = list[BlockingEvent]()
    for finding_id, (new, updated) in events:
        rows += [BlockingEvent(finding_id=finding_id, stall_id=stall_id, **values) for stall_id, values in new.items()]
        for stall_id, values in updated.items():
            stored.filter(stall_id=stall_id).update(**values)
    stored.bulk_create(rows, ignore_conflicts=True)


def thin(alias: str, finding_ids: Iterable[int], limit: int) -> dict[int, int]:
    """Delete events of findings that exceed ``limit``, but not the slowest and the newest.

    Returns the number of deleted events by finding.
    """
    events = BlockingEvent.objects.using(alias)
    counts = events.filter(finding_id__in=list(finding_ids)).order_by().values_list("finding_id").annotate(Count("pk"))
    crowded = [finding_id for finding_id, count in counts if count > limit]
    ids = _surplus_of_each(events, crowded, limit)
    together = [pk for some in ids.values() for pk in some]
    for start in range(0, len(together), _IDS_PER_QUERY):
        events.filter(id__in=together[start : start + _IDS_PER_QUERY]).delete()
    return {finding_id: len(some) for finding_id, some in ids.items()}


def _surplus_of_each(events: QuerySet[BlockingEvent], finding_ids: list[int], limit: int) -> dict[int, list[int]]:
    """Return the ``surplus`` of each finding; with a low limit, by one query for all of them."""
    if limit > _FEW_EVENTS:
        return {each: surplus(events.filter(finding_id=each), limit) for each in finding_ids}
    by_finding = defaultdict[int, list[tuple[datetime, int]]](list)
    by_duration = events.filter(finding_id__in=finding_ids).order_by("-duration_us", "-id")
    for finding_id, started_at, pk in by_duration.values_list("finding_id", "started_at", "id"):
        by_finding[finding_id].append((started_at, pk))
    spared = _spared(limit)
    return {
        finding_id: [pk for _, pk in sorted(rows[spared:], reverse=True)[limit - spared :]]
        for finding_id, rows in by_finding.items()
    }


def _spared(limit: int) -> int:
    """Return how many events are kept because they are slow."""
    return min(SLOWEST_KEPT, max(1, limit // 5))


def surplus(events: QuerySet[BlockingEvent], limit: int) -> list[int]:
    """Return the ids of a finding's events beyond ``limit``; the slowest and the newest are kept."""
    slowest = _spared(limit)
    spared = list(events.order_by("-duration_us", "-id").values_list("id", flat=True)[:slowest])
    others = events.exclude(id__in=spared).order_by("-started_at", "-id")
    return list(others.values_list("id", flat=True)[limit - slowest :])
