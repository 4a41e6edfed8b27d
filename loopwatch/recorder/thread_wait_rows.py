"""Adds thread waits to the stored totals, exactly, while other processes do the same."""

from collections.abc import Callable
from hashlib import sha256

from loopwatch.models import ThreadWaitTotal
from loopwatch.recorder.column_values import text
from loopwatch.recorder.division import Division
from loopwatch.recorder.failures import RowError
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
        self._ledger = Ledger[list[ThreadWaitTotal]]()
        self._division = Division(self._write_together, self._refuse, self._ledger.is_in_doubt)

    @property
    def are_waiting(self) -> bool:
        """Whether rows are waiting to be written, or written without confirmation."""
        return bool(self.sums.totals) or self._ledger.is_in_doubt()

    @property
    def waits(self) -> int:
        """How many waits are not known to be written."""
        return self.sums.waits + sum(row.waits for row in self._ledger.doubtful or ())

    @property
    def error(self) -> RowError | None:
        """Return the error of a row that was not stored in the last pass, and is to be tried again."""
        return self._division.error

    def write(self, alias: str) -> None:
        """Write everything. Exceptions of a transaction are raised, and trying again is safe."""
        if not self.are_waiting:
            return
        self._ledger.open(alias)
        self._ledger.settle(alias, self._commit, lambda _, error: self._on_refusal(error))
        self._division.write(alias, list(self.sums.totals), ROWS_PER_TRANSACTION)

    def _write_together(self, alias: str, keys: list[WaitKey]) -> None:
        rows = sorted((self._row(key, self.sums.totals[key]) for key in keys), key=lambda row: row.fingerprint)
        try:
            self._commit(alias, rows)
        except BaseException:
            if self._ledger.is_in_doubt():
                self._forget(keys)
            raise
        self._forget(keys)

    def _refuse(self, key: WaitKey, error: Exception) -> None:
        self._on_refusal(error)
        self._forget([key])

    def _forget(self, keys: list[WaitKey]) -> None:
        for key in keys:
            del self.sums.totals[key]

    def _commit(self, alias: str, rows: list[ThreadWaitTotal]) -> None:
        self._ledger.commit(alias, rows, lambda: upsert(alias, rows, _MERGE))

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


def _fingerprint(key: WaitKey, release: str) -> str:
    """Hash the identifying columns, which together are too long for an index of some databases."""
    parts = (key.hour.isoformat(), *key[1:], release)
    return sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
