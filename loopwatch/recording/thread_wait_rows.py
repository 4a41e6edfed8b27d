"""Writes thread waits: adds them to what is stored, exactly, however many processes do so at once."""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from hashlib import sha256

from django.db import OperationalError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from loopwatch.models import ThreadWaitTotal
from loopwatch.recording.batches import Batch, Ledger
from loopwatch.recording.column_values import text
from loopwatch.recording.database import UNSTORABLE
from loopwatch.recording.thread_waits import WaitKey, WaitSums, WaitTotals
from loopwatch.recording.upserts import Merge, are_supported, upsert
from loopwatch.stored_time import as_stored

ROWS_PER_TRANSACTION = 50
_ADDED = ("waits", "waited_us")
_MERGE = Merge(unique=("fingerprint",), added=_ADDED, largest=("longest_us",))


class ThreadWaitRows:
    """Used by the writer thread alone. ``sums`` are not written yet; ``on_refusal`` is told of what cannot be."""

    def __init__(self, release: str, on_refusal: Callable[[Exception], None]) -> None:
        self.sums = WaitSums()
        self._release = text(release, 100)
        self._on_refusal = on_refusal
        self._ledger = Ledger()
        self._doubtful: tuple[Batch, list[ThreadWaitTotal]] | None = None

    @property
    def are_waiting(self) -> bool:
        """Whether something is not written, or nobody knows if it is."""
        return bool(self.sums.totals) or self._doubtful is not None

    @property
    def waits(self) -> int:
        """How many waits are not written, as far as is known."""
        return self.sums.waits + (sum(row.waits for row in self._doubtful[1]) if self._doubtful else 0)

    def write(self, alias: str) -> None:
        """Write everything; whatever a transaction raises is raised, and trying again is safe."""
        if not self.are_waiting:
            return
        self._ledger.open(alias)
        if self._doubtful:
            self._commit(alias, *self._doubtful)
        for some in _portions(self.sums.totals):
            rows = sorted((self._row(key, totals) for key, totals in some.items()), key=lambda row: row.fingerprint)
            for key in some:
                del self.sums.totals[key]
            self._commit(alias, self._ledger.batch({}), rows)

    def _commit(self, alias: str, batch: Batch, rows: list[ThreadWaitTotal]) -> None:
        """Until it is known what became of them, the rows stay in doubt, to be tried again under the same number."""
        self._doubtful = batch, rows
        try:
            with transaction.atomic(using=alias):
                if self._ledger.enter(alias, batch):
                    _add(alias, rows)
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
        )


def _portions(totals: Mapping[WaitKey, WaitTotals]) -> Iterator[dict[WaitKey, WaitTotals]]:
    keys = list(totals)
    for start in range(0, len(keys), ROWS_PER_TRANSACTION):
        yield {key: totals[key] for key in keys[start : start + ROWS_PER_TRANSACTION]}


def _fingerprint(key: WaitKey, release: str) -> str:
    """All columns that tell one row from another are too long for an index of some databases."""
    parts = (key.hour.isoformat(), *key[1:], release)
    return sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _add(alias: str, rows: list[ThreadWaitTotal]) -> None:
    if are_supported(alias):
        upsert(alias, rows, _MERGE)
        return
    for row in rows:
        stored = ThreadWaitTotal.objects.using(alias).filter(fingerprint=row.fingerprint)
        changes = {column: F(column) + getattr(row, column) for column in _ADDED}
        changes["longest_us"] = Greatest("longest_us", Value(row.longest_us))
        if not stored.update(**changes):
            new = copy(row)
            new.waits = new.waited_us = new.longest_us = 0
            ThreadWaitTotal.objects.using(alias).bulk_create([new], ignore_conflicts=True)
            if not stored.update(**changes):
                raise OperationalError(f"{row!r} could neither be inserted nor updated")
