"""Writes events, and deletes those of a finding that exceed the limit in the settings."""

import os
import socket
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Count, QuerySet

from loopwatch.detection.calls import BlockingCall, Contribution
from loopwatch.models import BlockingEvent
from loopwatch.recording import request_columns, stacks
from loopwatch.recording.column_values import integer, microseconds, milliseconds, path_text, text
from loopwatch.recording.paths import shorten
from loopwatch.stored_time import as_stored

CONTRIBUTIONS_KEPT = 20
SLOWEST_KEPT = 10
_IDS_PER_QUERY = 500
_FEW_EVENTS = 200

EventColumns = dict[str, dict[str, Any]]
"""The columns of events, by stall."""


def columns(call: BlockingCall, release: str) -> dict[str, Any]:
    """Return the columns of the call's event, without its finding and stall. Reads source files."""
    request = call.request
    return {
        "started_at": as_stored(call.started_at),
        "duration_us": microseconds(call.duration_ms),
        "step_us": microseconds(call.step_ms),
        "ongoing": call.ongoing,
        "cause": text(call.cause, 20),
        "exact": call.exact,
        "engine": text(call.engine, 10),
        "called_name": text(call.called_name, 300),
        "leaf_name": text(call.leaf_name, 300),
        "filename": path_text(shorten(call.filename), 500),
        "lineno": integer(call.lineno),
        "source": text(call.source, 500),
        "request_kind": text(request.kind, 10) if request else "",
        "method": request_columns.method(request),
        "route": request_columns.route(request),
        "consumer": text(request.consumer, 300) if request else "",
        "requests_delayed": integer(call.waiting),
        "delayed_routes": [
            [*each, number]
            for each, number in request_columns.delayed_routes(call, integer(call.waiting)).most_common()
        ],
        "task_name": text(call.task_name, 200),
        "host": host(),
        "process_id": os.getpid(),
        "release": text(release, 100),
        "contributions": [_contribution(item) for item in call.contributions[:CONTRIBUTIONS_KEPT]],
        "stacks": stacks.encode(call),
    }


def write(alias: str, events: Iterable[tuple[int, EventColumns, EventColumns]]) -> None:
    """Store events by the id of their finding: insert the new ones, and update others that still exist.

    A new event that is stored already stays as it is; that happens when a stall was reported twice as new.
    """
    stored = BlockingEvent.objects.using(alias)
    rows = list[BlockingEvent]()
    for finding_id, new, updated in events:
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


@cache
def host() -> str:
    """Return the name of this machine."""
    return text(socket.gethostname(), 100)


def _contribution(contribution: Contribution) -> dict[str, Any]:
    return {
        "name": text(contribution.name, 300),
        "own_ms": milliseconds(contribution.own_ms),
        "count": contribution.count,
    }
