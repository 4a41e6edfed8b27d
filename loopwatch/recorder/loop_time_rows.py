"""Writes the figures of this process's loops, by minute and by hour."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from loopwatch import impact
from loopwatch.models import LoopTime
from loopwatch.recorder.column_values import host, text
from loopwatch.recorder.division import Division
from loopwatch.recorder.failures import RowError
from loopwatch.recorder.loop_times import KEPT, LoopFigures, LoopTimeKey
from loopwatch.recorder.upserts import Merge, upsert
from loopwatch.stored_time import as_stored

_ROWS = Merge(
    unique=("minutes", "start", "host", "process_id", "since"),
    # Totals never shrink. If one starts from zero again, because a clock was set back, the stored one is kept.
    largest=(*impact.COLUMNS, "machine_us"),
    replaced=("busy_us", "steps"),
)
ROWS_PER_PRUNING = 500


class LoopTimeRows:
    """Keeps rows until they are written. Used only by the writer thread, which calls ``on_refusal`` if one is lost."""

    def __init__(self, release: str, since: datetime, on_refusal: Callable[[Exception], None]) -> None:
        self._release = text(release, 100)
        self._since = since
        self._on_refusal = on_refusal
        self._unwritten: dict[LoopTimeKey, LoopFigures] = {}
        self._division = Division(self._write_together, self._refuse)

    @property
    def are_waiting(self) -> bool:
        """Whether rows are waiting to be written."""
        return bool(self._unwritten)

    def add(self, rows: Mapping[LoopTimeKey, LoopFigures]) -> None:
        """Take over rows, each in place of its predecessor; drop those old enough to be pruned."""
        self._unwritten.update(rows)
        oldest = {minutes: datetime.now(UTC) - kept for minutes, kept in KEPT.items()}
        kept = sorted(key for key in self._unwritten if key.start >= oldest[key.minutes])
        self._unwritten = {key: self._unwritten[key] for key in kept}

    @property
    def error(self) -> RowError | None:
        """Return the error of a row that was not stored in the last pass, and is to be tried again."""
        return self._division.error

    def write(self, alias: str) -> None:
        """Write all rows. If the database raises an exception, those that are not written yet are kept."""
        if self._unwritten:
            self._division.write(alias, list(self._unwritten), together=len(self._unwritten))

    def _write_together(self, alias: str, keys: list[LoopTimeKey]) -> None:
        upsert(alias, [self._row(key, self._unwritten[key]) for key in keys], _ROWS)
        for key in keys:
            del self._unwritten[key]

    def _refuse(self, key: LoopTimeKey, error: Exception) -> None:
        self._on_refusal(error)
        del self._unwritten[key]

    def _row(self, key: LoopTimeKey, figures: LoopFigures) -> LoopTime:
        return LoopTime(
            minutes=key.minutes,
            start=as_stored(key.start),
            host=host(),
            process_id=os.getpid(),
            since=as_stored(self._since),
            release=self._release,
            **figures.impact.columns(),
            machine_us=figures.machine_us,
            busy_us=figures.busy_us,
            steps=dict(figures.steps),
        )


def prune_loop_times(alias: str, now: datetime) -> None:
    """Delete a bounded number of rows that are too old."""
    rows = LoopTime.objects.using(alias)
    for minutes, kept in KEPT.items():
        old = rows.filter(minutes=minutes, start__lt=as_stored(now - kept)).order_by("start")
        if ids := list(old.values_list("pk", flat=True)[:ROWS_PER_PRUNING]):
            rows.filter(pk__in=ids).delete()
