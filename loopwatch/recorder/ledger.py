"""Applies every transaction exactly once, even if the answer to its commit is lost.

When a connection breaks during a commit, the client does not know whether the commit happened. So every batch has a
number that its transaction stores too. A batch that is tried again finds out whether its number is stored already.
"""

from datetime import timedelta
from uuid import uuid4

from django.db import OperationalError
from django.utils import timezone

from loopwatch.models import CommittedBatch

KEPT = timedelta(days=7)
"""The row of a process that no longer writes is deleted after this time."""


class Ledger:
    """Numbers the batches of one writer, which has one row. Used by one thread at a time."""

    def __init__(self) -> None:
        self._writer = uuid4().hex
        self._last = 0

    def next_number(self) -> int:
        """Return the number of a new batch."""
        self._last += 1
        return self._last

    def open(self, alias: str) -> None:
        """Insert the writer's row if it does not exist, in a separate transaction."""
        rows = CommittedBatch.objects.using(alias)
        if not rows.filter(writer=self._writer).exists():
            rows.create(writer=self._writer, number=0, committed_at=timezone.now())

    def enter(self, alias: str, number: int) -> bool:
        """Begin the transaction of the batch with this number. Returns False if the batch was committed before.

        The update waits for an earlier attempt that the server has not finished yet. Raises ``OperationalError`` if the
        writer's row was deleted.
        """
        row = CommittedBatch.objects.using(alias).filter(writer=self._writer)
        if row.filter(number__lt=number).update(number=number, committed_at=timezone.now()):
            return True
        if not row.exists():
            raise OperationalError("the row that says which batch was committed last is gone")
        return False
