"""Sums up how long loops were blocked, bar by bar, and finds the worst moments."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Max, Sum

from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.models import LoopTime
from loopwatch.reporting.aggregates import IMPACT
from loopwatch.reporting.overview.routes import route_totals
from loopwatch.reporting.overview.time_axis import DAY, TimeAxis
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


@dataclass(frozen=True, slots=True)
class Peak:
    """The minute, hour or day (UTC) with the largest value of a figure: its beginning and its length."""

    start: datetime
    lasts: timedelta
    figure: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """All bars of the axis.

    ``loops_us`` is the time of all loops, as far as they ran any step: whole minutes or hours; 0 if unknown.
    The peaks are the time that was blocked for longest (in µs), the first one with the longest pause (in µs), and the
    one in which a loop was busiest (as a share); each ``None`` if there is none.
    """

    bars: list[TimelineBar]
    loops_us: int
    most_blocked: Peak | None
    worst_pause: Peak | None
    busiest: Peak | None


class _BarPart(NamedTuple):
    start: datetime
    bar: int
    impact: Impact
    machine_us: int = 0
    busy_us: int | None = None
    loops: int = 0


def timeline(axis: TimeAxis, using: str | None) -> Timeline:
    """Return the timeline of the axis, by one query."""
    bars = [TimelineBar(axis.start(index), axis.start(index + 1)) for index in range(axis.bars)]
    lasts = DAY if axis.span.rows is None else timedelta(minutes=axis.span.rows)
    rows = _days(axis, using) if axis.span.rows is None else _rows(axis, axis.span.rows, using)
    parts = [row for row in rows if 0 <= row.bar < len(bars)]
    row_us = lasts // timedelta(microseconds=1)
    for part in parts:
        bars[part.bar].add(part, row_us)
    return Timeline(
        bars,
        loops_us=sum(part.loops for part in parts) * row_us,
        most_blocked=_peak(parts, lasts, lambda part: part.impact.blocked_us),
        worst_pause=_peak(parts, lasts, lambda part: part.impact.longest_us),
        busiest=_peak(parts, lasts, lambda part: min(1.0, (part.busy_us or 0) / row_us)),
    )


def _peak(parts: Sequence[_BarPart], lasts: timedelta, figure: Callable[[_BarPart], float]) -> Peak | None:
    """Return the first of the parts with the largest figure; ``None`` if all are 0."""
    first = min(parts, key=lambda part: (-figure(part), part.start), default=None)
    return Peak(first.start, lasts, figure(first)) if first and figure(first) else None


def _days(axis: TimeAxis, using: str | None) -> Iterator[_BarPart]:
    totals = route_totals(axis, using).values_list("start")
    for start, *figures in totals.annotate(*IMPACT).order_by():
        yield _BarPart(as_aware(start), axis.index_of_day(as_aware(start)), Impact(*figures))


def _rows(axis: TimeAxis, minutes: int, using: str | None) -> Iterator[_BarPart]:
    times = LoopTime.objects.using(using).filter(
        minutes=minutes, start__gte=as_stored(axis.begin), start__lt=as_stored(axis.end)
    )
    rows = times.values_list("start").annotate(*IMPACT, Sum("machine_us"), Max("busy_us"), Count("pk"))
    for start, *figures, machine_us, busy_us, loops in rows.order_by():
        yield _BarPart(as_aware(start), axis.index(as_aware(start)), Impact(*figures), machine_us, busy_us, loops)
