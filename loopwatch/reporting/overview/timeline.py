"""How long loops were blocked, bar by bar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet, Sum

from loopwatch.models import HourlyTotal, LoopTime
from loopwatch.reporting.overview.moments import as_stored, aware
from loopwatch.reporting.overview.span import Axis

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

    def add(self, figures: "dict[str, int | None]", row_us: int) -> None:
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
    for start, figures in _rows(axis, using):
        index = axis.index(aware(start))
        if 0 <= index < len(bars):
            bars[index].add(figures, (axis.span.rows or 60) * 60_000_000)
    return bars


def _rows(axis: Axis, using: str | None) -> Iterator[tuple[datetime, dict[str, int | None]]]:
    begin = as_stored(axis.begin)
    aggregates = [*map(Sum, _SUMS), Max("longest_us")]
    names = [*_SUMS, "longest_us"]
    rows: QuerySet[Any, Any]
    if axis.span.rows is None:
        rows = HourlyTotal.objects.using(using).filter(hour__gte=begin).values_list("hour")
    else:
        rows = LoopTime.objects.using(using).filter(minutes=axis.span.rows, start__gte=begin).values_list("start")
        aggregates += [Sum("machine_us"), Max("busy_us")]
        names += ["machine_us", "busy_us"]
    for start, *figures in rows.annotate(*aggregates).order_by():
        yield start, dict(zip(names, figures, strict=True))
