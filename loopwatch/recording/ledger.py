"""Transactions that are never applied twice, even where the answer to their commit was lost on the way.

A connection that breaks during a commit leaves open whether it happened. So every batch has a number, which its
transaction stores with it: tried again under the same number, the batch finds out whether it was there before.
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
"""What a process leaves behind is deleted after this time."""


@dataclass(frozen=True, slots=True)
class NumberedBatch:
    """What is written together: deltas, by fingerprint, or what to add to routes."""

    number: int
    deltas: dict[str, FindingDelta]
    routes: Mapping[HourKey, RouteDelta] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return sum(delta.impact.events for delta in self.deltas.values())


class Ledger:
    """The row of one writer. Used by one thread at a time."""

    def __init__(self) -> None:
        self._writer = uuid4().hex
        self._last = 0

    def batch(
        self, deltas: dict[str, FindingDelta], routes: Mapping[HourKey, RouteDelta] | None = None
    ) -> NumberedBatch:
        """Give them a number."""
        self._last += 1
        return NumberedBatch(self._last, deltas, routes or {})

    def open(self, alias: str) -> None:
        """Make sure of the row, in a transaction of its own."""
        rows = CommittedBatch.objects.using(alias)
        if not rows.filter(writer=self._writer).exists():
            rows.create(writer=self._writer, number=0, committed_at=timezone.now())

    def enter(self, alias: str, batch: NumberedBatch) -> bool:
        """Begin the batch's transaction; false if it was committed before.

        The update waits for an earlier attempt that the server has not finished yet. Raises ``OperationalError`` if
        somebody has deleted the row.
        """
        row = CommittedBatch.objects.using(alias).filter(writer=self._writer)
        if row.filter(number__lt=batch.number).update(number=batch.number, committed_at=timezone.now()):
            return True
        if not row.exists():
            raise OperationalError("the row that says which batch was committed last is gone")
        return False
