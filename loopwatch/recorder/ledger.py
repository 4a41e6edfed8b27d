"""Applies every transaction exactly once, even if the answer to its commit is lost.

When a connection breaks during a commit, the client does not know whether the commit happened. So every batch has a
number that its transaction stores too. A batch that is tried again finds out whether its number is stored already.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar
from uuid import uuid4

from django.db import OperationalError, transaction
from django.utils import timezone

from loopwatch.models import CommittedBatch
from loopwatch.recorder.failures import Blame, blame_for

KEPT = timedelta(days=7)
"""The row of a process that no longer writes is deleted after this time."""

Batch = TypeVar("Batch")


class Ledger(Generic[Batch]):
    """Commits the batches of one writer, which has one row. Used by one thread at a time.

    The commit of the ``doubtful`` batch was not confirmed. It is to be settled before another batch is committed.
    """

    def __init__(self) -> None:
        self.doubtful: Batch | None = None
        self._writer = uuid4().hex
        self._last = 0

    def is_in_doubt(self) -> bool:
        """Return whether there is a doubtful batch."""
        return self.doubtful is not None

    def open(self, alias: str) -> None:
        """Insert the writer's row if it does not exist, in a separate transaction."""
        rows = CommittedBatch.objects.using(alias)
        if not rows.filter(writer=self._writer).exists():
            rows.create(writer=self._writer, number=0, committed_at=timezone.now())

    def commit(self, alias: str, batch: Batch, write: Callable[[], None]) -> None:
        """Have the batch written in a transaction, unless it was committed before. If the answer is lost, keep it."""
        if batch is not self.doubtful:
            self._last += 1
        is_complete = False
        try:
            with transaction.atomic(using=alias):
                if self._is_new(alias, self._last):
                    write()
                is_complete = True
        except BaseException as error:
            if is_complete and blame_for(error) is not Blame.CONTENT:
                self.doubtful = batch
            raise

    def settle(
        self, alias: str, commit: Callable[[str, Batch], None], refused: Callable[[Batch, Exception], None]
    ) -> None:
        """Have the doubtful batch committed again. One with refused content had not been committed before."""
        batch = self.doubtful
        if batch is None:
            return
        try:
            commit(alias, batch)
        except Exception as error:
            if blame_for(error) is not Blame.CONTENT:
                raise
            refused(batch, error)
        self.doubtful = None

    def _is_new(self, alias: str, number: int) -> bool:
        """Store the number of the batch. Returns False if the batch was committed before.

        The update waits for an earlier attempt that the server has not finished yet. Raises ``OperationalError`` if the
        writer's row was deleted.
        """
        row = CommittedBatch.objects.using(alias).filter(writer=self._writer)
        if row.filter(number__lt=number).update(number=number, committed_at=timezone.now()):
            return True
        if not row.exists():
            raise OperationalError("the row that says which batch was committed last is gone")
        return False
