"""How long loops were blocked, bar by bar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Sum

from loopwatch.models import LoopTime
from loopwatch.reporting.overview.moments import as_stored, aware
from loopwatch.reporting.overview.routes import route_totals
from loopwatch.reporting.overview.span import Axis

Figures = dict[str, int | None]
_SUMS = ("events", "blocked_us", "requests_delayed", "delay_us")


@dataclass(slots=True)
class Bar:
    """One bar's sums over all processes.

    ``busiest`` is for which share of a minute, or of an hour, whichever the rows are of, the busiest loop ran steps;
    ``None`` where that is not known.
    """

    start: datetime
    end: datetime
    events: int = 0
    blocked_us: int = 0
    requests_delayed: int = 0
    delay_us: int = 0
    longest_us: int = 0
    machine_us: int = 0
    busiest: float | None = None

    def add(self, figures: Figures, row_us: int) -> None:
        """Add one row, which is of so much time."""
        for column in (*_SUMS, "machine_us"):
            setattr(self, column, getattr(self, column) + (figures.get(column) or 0))
        self.longest_us = max(self.longest_us, figures["longest_us"] or 0)
        busy_us = figures.get("busy_us")
        if busy_us is not None:
            self.busiest = max(self.busiest or 0.0, min(1.0, busy_us / row_us))


def timeline(axis: Axis, using: str | None) -> list[Bar]:
    """Every bar of the axis, in one query."""
    bars = [Bar(axis.start(index), axis.start(index + 1)) for index in range(axis.span.bars)]
    for index, figures in _days(axis, using) if axis.span.rows is None else _rows(axis, axis.span.rows, using):
        if 0 <= index < len(bars):
            bars[index].add(figures, (axis.span.rows or 0) * 60_000_000)
    return bars


def _days(axis: Axis, using: str | None) -> Iterator[tuple[int, Figures]]:
    totals = route_totals(axis, axis.begin, using).values_list("start")
    for start, *figures in totals.annotate(*map(Sum, _SUMS), Max("longest_us")).order_by():
        yield axis.index_of_day(aware(start)), dict(zip((*_SUMS, "longest_us"), figures, strict=True))


def _rows(axis: Axis, minutes: int, using: str | None) -> Iterator[tuple[int, Figures]]:
    times = LoopTime.objects.using(using).filter(minutes=minutes, start__gte=as_stored(axis.begin))
    sums, largest = (*_SUMS, "machine_us"), ("longest_us", "busy_us")
    for start, *figures in times.values_list("start").annotate(*map(Sum, sums), *map(Max, largest)).order_by():
        yield axis.index(aware(start)), dict(zip((*sums, *largest), figures, strict=True))
