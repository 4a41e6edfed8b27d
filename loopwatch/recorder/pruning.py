"""Deletes events that are too old or too many. Findings and hourly totals still count them.

Every transaction deletes a bounded number of events of one finding, and locks the finding first, as the writer does.
Other writers wait only for a moment, and there is no deadlock.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Count, F, QuerySet

from loopwatch.models import BlockingEvent, Finding
from loopwatch.recorder.event_rows import surplus

BATCH_SIZE = 500
PAUSE = 2.0
"""The pause after a batch, as a multiple of the time that the batch took."""
SHORTEST_PAUSE_S = 0.02
_FINDINGS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """Events to keep: those that began at ``oldest`` (as stored) or later, and at most ``events`` of each finding."""

    oldest: datetime | None = None
    events: int | None = None


def prune(alias: str, limits: Limits, batch_size: int = BATCH_SIZE) -> Iterator[int]:
    """Delete events in batches, and yield the size of each batch. Deletes only while it is iterated over."""
    return paced(
        partial(_delete, alias, finding_id, ids)
        for finding_id in _finding_ids(alias)
        for ids in _batches(alias, finding_id, limits, batch_size)
    )


def paced(deletions: Iterable[Callable[[], int]]) -> Iterator[int]:
    """Delete batch after batch with pauses, and yield the size of each.

    The pauses between batches let other writers in: on SQLite, a writer that finds the database locked tries again
    later, and must not find it locked every time.
    """
    for delete in deletions:
        begin = time.monotonic()
        deleted = delete()
        took_s = time.monotonic() - begin
        yield deleted
        time.sleep(max(PAUSE * took_s, SHORTEST_PAUSE_S))


def prune_oldest(alias: str, oldest: datetime, batch_size: int) -> int:
    """Delete one batch of events of one finding that began before ``oldest``. Returns how many."""
    too_old = _events(alias).filter(started_at__lt=oldest)
    finding_id = too_old.order_by("started_at").values_list("finding_id", flat=True).first()
    if finding_id is None:
        return 0
    ids = too_old.filter(finding_id=finding_id).order_by("started_at").values_list("id", flat=True)[:batch_size]
    return _delete(alias, finding_id, list(ids))


def count(alias: str, limits: Limits) -> int:
    """Count the events that ``prune`` would delete."""
    events = _events(alias)
    too_old = events.filter(started_at__lt=limits.oldest).count() if limits.oldest else 0
    if limits.events is None:
        return too_old
    others = events.filter(started_at__gte=limits.oldest) if limits.oldest else events
    kept = others.order_by().values_list("finding").annotate(kept=Count("pk")).filter(kept__gt=limits.events)
    too_many: int = sum(number - limits.events for _, number in kept)
    return too_old + too_many


def _events(alias: str) -> QuerySet[BlockingEvent]:
    return BlockingEvent.objects.using(alias)


def _finding_ids(alias: str) -> Iterator[int]:
    """Yield the ids of all findings, without keeping a query open."""
    findings = Finding.objects.using(alias).order_by("pk").values_list("pk", flat=True)
    last = 0
    while ids := list(findings.filter(pk__gt=last)[:_FINDINGS_PER_QUERY]):
        yield from ids
        last = ids[-1]


def _batches(alias: str, finding_id: int, limits: Limits, batch_size: int) -> Iterator[list[int]]:
    events = _events(alias).filter(finding_id=finding_id)
    if limits.oldest:
        yield from _cut(events.filter(started_at__lt=limits.oldest).values_list("id", flat=True), batch_size)
    if limits.events is not None and events.count() > limits.events:
        yield from _cut(surplus(events, limits.events), batch_size)


def _cut(ids: Iterable[int], size: int) -> Iterator[list[int]]:
    ordered = sorted(ids)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))


def _delete(alias: str, finding_id: int, ids: list[int]) -> int:
    finding = Finding.objects.using(alias).filter(pk=finding_id)
    with transaction.atomic(using=alias):
        finding.update(events_thinned=F("events_thinned") + len(ids))
        deleted, _ = _events(alias).filter(id__in=ids).delete()
        if deleted < len(ids):  # another process has deleted some of them meanwhile
            finding.update(events_thinned=F("events_thinned") - (len(ids) - deleted))
    return deleted
