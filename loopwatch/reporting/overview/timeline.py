"""Sums up how long loops were blocked, bar by bar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Max, Sum

from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.models import LoopTime
from loopwatch.reporting.aggregates import IMPACT
from loopwatch.reporting.overview.routes import route_totals
from loopwatch.reporting.overview.time_axis import TimeAxis
from loopwatch.stored_time import as_aware, as_stored


@dataclass(slots=True)
class TimelineBar:
    """The sums of one bar over all processes.

    ``busiest`` is the share of its busiest minute or hour that a loop spent in steps; ``None`` if unknown.
    """

    start: datetime
    end: datetime
    impact: Impact = NO_IMPACT
    machine_us: int = 0
    busiest: float | None = None

    def add(self, row: "_BarPart", row_us: int) -> None:
        """Add one row, which covers ``row_us``."""
        self.impact += row.impact
        self.machine_us += row.machine_us
        if row.busy_us is not None:
            self.busiest = max(self.busiest or 0.0, min(1.0, row.busy_us / row_us))


class _BarPart(NamedTuple):
    bar: int
    impact: Impact
    machine_us: int = 0
    busy_us: int | None = None


def timeline(axis: TimeAxis, using: str | None) -> list[TimelineBar]:
    """Return every bar of the axis, by one query."""
    bars = [TimelineBar(axis.start(index), axis.start(index + 1)) for index in range(axis.span.bars)]
    for row in _days(axis, using) if axis.span.rows is None else _rows(axis, axis.span.rows, using):
        if 0 <= row.bar < len(bars):
            bars[row.bar].add(row, (axis.span.rows or 0) * 60_000_000)
    return bars


def _days(axis: TimeAxis, using: str | None) -> Iterator[_BarPart]:
    totals = route_totals(axis, axis.begin, using).values_list("start")
    for start, *figures in totals.annotate(*IMPACT).order_by():
        yield _BarPart(axis.index_of_day(as_aware(start)), Impact(*figures))


def _rows(axis: TimeAxis, minutes: int, using: str | None) -> Iterator[_BarPart]:
    times = LoopTime.objects.using(using).filter(minutes=minutes, start__gte=as_stored(axis.begin))
    rows = times.values_list("start").annotate(*IMPACT, Sum("machine_us"), Max("busy_us"))
    for start, *figures, machine_us, busy_us in rows.order_by():
        yield _BarPart(axis.index(as_aware(start)), Impact(*figures), machine_us, busy_us)
