"""Applies every transaction exactly once, even if the answer to its commit is lost.

When a connection breaks during a commit, the client does not know whether the commit happened. So every batch has a
number that its transaction stores too. A batch that is tried again finds out whether its number is stored already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from django.db import OperationalError
from django.utils import timezone

from loopwatch.models import CommittedBatch
from loopwatch.recording.deltas import FindingDelta, HourKey, RouteDelta

KEPT = timedelta(days=7)
"""The row of a process that no longer writes is deleted after this time."""


@dataclass(frozen=True, slots=True)
class NumberedBatch:
    """What one transaction writes: deltas by fingerprint, or what to add to routes."""

    number: int
    deltas: dict[str, FindingDelta]
    routes: Mapping[HourKey, RouteDelta] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return sum(delta.impact.events for delta in self.deltas.values())


class Ledger:
    """Numbers the batches of one writer, which has one row. Used by one thread at a time."""

    def __init__(self) -> None:
        self._writer = uuid4().hex
        self._last = 0

    def batch(
        self, deltas: dict[str, FindingDelta], routes: Mapping[HourKey, RouteDelta] | None = None
    ) -> NumberedBatch:
        """Return a batch with the next number."""
        self._last += 1
        return NumberedBatch(self._last, deltas, routes or {})

    def open(self, alias: str) -> None:
        """Insert the writer's row if it does not exist, in a separate transaction."""
        rows = CommittedBatch.objects.using(alias)
        if not rows.filter(writer=self._writer).exists():
            rows.create(writer=self._writer, number=0, committed_at=timezone.now())

    def enter(self, alias: str, batch: NumberedBatch) -> bool:
        """Begin the batch's transaction. Returns False if the batch was committed before.

        The update waits for an earlier attempt that the server has not finished yet. Raises ``OperationalError`` if the
        writer's row was deleted.
        """
        row = CommittedBatch.objects.using(alias).filter(writer=self._writer)
        if row.filter(number__lt=batch.number).update(number=batch.number, committed_at=timezone.now()):
            return True
        if not row.exists():
            raise OperationalError("the row that says which batch was committed last is gone")
        return False
