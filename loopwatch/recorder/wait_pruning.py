"""Deletes counts of thread waits that are too old: each hour may have one for every pair of routes."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from django.db import connections, transaction
from django.db.models import QuerySet

from loopwatch.models import ThreadWaitTotal
from loopwatch.recorder.pruning import BATCH_SIZE, paced
from loopwatch.stored_time import as_aware, as_stored, whole_hour


def waits_before(alias: str, oldest: datetime | None) -> QuerySet[ThreadWaitTotal]:
    """Return the counts of hours that ended before ``oldest`` (as stored), or none without a limit."""
    counts = ThreadWaitTotal.objects.using(alias)
    if oldest is None:
        return counts.none()
    return counts.filter(hour__lt=as_stored(whole_hour(as_aware(oldest))))


def prune_waits(alias: str, oldest: datetime | None, batch_size: int = BATCH_SIZE) -> Iterator[int]:
    """Delete these counts in batches with pauses, like ``pruning.prune``, and yield the size of each batch."""
    return paced(_batches(alias, oldest, batch_size))


def prune_oldest_waits(alias: str, oldest: datetime, batch_size: int) -> int:
    """Delete one batch of these counts, the oldest first. Returns how many."""
    return next((delete() for delete in _batches(alias, oldest, batch_size)), 0)


def _batches(alias: str, oldest: datetime | None, batch_size: int) -> Iterator[Callable[[], int]]:
    fingerprints = waits_before(alias, oldest).order_by("hour").values_list("fingerprint", flat=True)
    while some := list(fingerprints[:batch_size]):
        yield partial(_delete, alias, some)


def _delete(alias: str, fingerprints: list[str]) -> int:
    counts = ThreadWaitTotal.objects.using(alias).filter(fingerprint__in=fingerprints)
    with transaction.atomic(using=alias):
        if connections[alias].features.has_select_for_update:  # in the writer's order, so that there is no deadlock
            list(counts.select_for_update().order_by("fingerprint").values_list("pk"))
        deleted, _ = counts.delete()
    return deleted
