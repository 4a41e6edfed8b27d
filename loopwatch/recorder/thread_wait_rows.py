"""Adds thread waits to the stored totals, exactly, while other processes do the same."""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from django.db import transaction

from loopwatch.models import ThreadWaitTotal
from loopwatch.recorder.column_values import text
from loopwatch.recorder.database import UNSTORABLE
from loopwatch.recorder.ledger import Ledger
from loopwatch.recorder.thread_waits import WaitKey, WaitSums, WaitTotals
from loopwatch.recorder.upserts import Merge, upsert
from loopwatch.stored_time import as_stored

ROWS_PER_TRANSACTION = 50
_MERGE = Merge(
    unique=("fingerprint",),
    added=("waits", "waited_us"),
    largest=("longest_us", "most_waiting", "threads", "threads_held"),
)


class ThreadWaitRows:
    """Writes ``sums``. Used only by the writer thread; ``on_refusal`` gets the error if the database refuses a row."""

    def __init__(self, release: str, on_refusal: Callable[[Exception], None]) -> None:
        self.sums = WaitSums()
        self._release = text(release, 100)
        self._on_refusal = on_refusal
        self._ledger = Ledger()
        self._doubtful: tuple[int, list[ThreadWaitTotal]] | None = None

    @property
    def are_waiting(self) -> bool:
        """Whether rows are waiting to be written, or written without confirmation."""
        return bool(self.sums.totals) or self._doubtful is not None

    @property
    def waits(self) -> int:
        """How many waits are not known to be written."""
        return self.sums.waits + (sum(row.waits for row in self._doubtful[1]) if self._doubtful else 0)

    def write(self, alias: str) -> None:
        """Write everything. Exceptions of a transaction are raised, and trying again is safe."""
        if not self.are_waiting:
            return
        self._ledger.open(alias)
        if self._doubtful:
            self._commit(alias, *self._doubtful)
        for some in _portions(self.sums.totals):
            rows = sorted((self._row(key, totals) for key, totals in some.items()), key=lambda row: row.fingerprint)
            for key in some:
                del self.sums.totals[key]
            self._commit(alias, self._ledger.next_number(), rows)

    def _commit(self, alias: str, number: int, rows: list[ThreadWaitTotal]) -> None:
        """Commit the rows. Until that is confirmed, they are kept, to be tried again under the same number."""
        self._doubtful = number, rows
        try:
            with transaction.atomic(using=alias):
                if self._ledger.enter(alias, number):
                    upsert(alias, rows, _MERGE)
        except UNSTORABLE as error:
            self._on_refusal(error)
        self._doubtful = None

    def _row(self, key: WaitKey, totals: WaitTotals) -> ThreadWaitTotal:
        return ThreadWaitTotal(
            fingerprint=_fingerprint(key, self._release),
            hour=as_stored(key.hour),
            thread=key.thread,
            held_by=key.held_by,
            held_for=key.held_for,
            method=key.method,
            route=key.route,
            release=self._release,
            waits=totals.waits,
            waited_us=totals.waited_us,
            longest_us=totals.longest_us,
            most_waiting=totals.most_waiting,
            threads=totals.threads,
            threads_held=totals.threads_held,
        )


def _portions(totals: Mapping[WaitKey, WaitTotals]) -> Iterator[dict[WaitKey, WaitTotals]]:
    keys = list(totals)
    for start in range(0, len(keys), ROWS_PER_TRANSACTION):
        yield {key: totals[key] for key in keys[start : start + ROWS_PER_TRANSACTION]}


def _fingerprint(key: WaitKey, release: str) -> str:
    """Hash the identifying columns, which together are too long for an index of some databases."""
    parts = (key.hour.isoformat(), *key[1:], release)
    return sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
