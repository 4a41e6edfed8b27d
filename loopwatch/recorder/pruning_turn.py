"""Lets one process of the site prune at a time: each of many would look for the same rows."""

from datetime import UTC, datetime, timedelta

from django.db.models import Q

from loopwatch.models import CommittedBatch
from loopwatch.stored_time import as_stored

_TURN = "pruning"
"""Stands where the id of a writer would."""


def takes_turn(alias: str, interval_s: float) -> bool:
    """Return whether no other process has pruned within the interval, and note that this one does.

    A time in the future was noted by a clock that is ahead, and does not prevent pruning.
    """
    now = datetime.now(UTC)
    turns = CommittedBatch.objects.using(alias).filter(writer=_TURN)
    is_over = Q(committed_at__lt=as_stored(now - timedelta(seconds=interval_s))) | Q(committed_at__gt=as_stored(now))
    if turns.filter(is_over).update(committed_at=as_stored(now)):
        return True
    if turns.exists():
        return False
    first = CommittedBatch(writer=_TURN, number=0, committed_at=as_stored(now))
    CommittedBatch.objects.using(alias).bulk_create([first], ignore_conflicts=True)
    return True
