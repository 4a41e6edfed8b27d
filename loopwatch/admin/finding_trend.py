"""Computes the bar chart of a finding's blocked time per hour, day or week, for a template that draws it as SVG."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet, Sum
from django.utils.formats import date_format

from loopwatch.html_cells import DATE, MINUTE
from loopwatch.models import HourlyTotal
from loopwatch.stored_time import as_aware, as_local, as_stored, whole_hour

WEEK = timedelta(days=7)
HEIGHT = 60
_BARS = {timedelta(days=8): timedelta(hours=1), timedelta(days=92): timedelta(days=1)}
"""The length of a bar, by the longest time that has such bars; a longer time has weeks."""

EventsOf = Callable[[datetime, datetime], str]
"""Returns the address of the events between two moments."""


@dataclass(frozen=True, slots=True)
class TrendBar:
    """Holds one hour, day or week with events: ``x`` counts bars; ``y`` and ``height`` add up to ``HEIGHT``.

    ``url`` is the address of its events, empty if the user may not view them.
    """

    start: datetime
    events: int
    blocked_ms: float
    x: int
    height: int
    url: str

    @property
    def label(self) -> str:
        return date_format(as_local(self.start), f"{DATE} {MINUTE}")

    @property
    def y(self) -> int:
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class Trend:
    """Holds the bars of a time, without those that have no events."""

    begin: datetime
    end: datetime
    bar: timedelta
    highest_ms: float
    bars: list[TrendBar]
    width: int
    height: int = HEIGHT


def last_week() -> tuple[datetime, datetime]:
    """Return the beginning and the end of the week that ends with the current hour."""
    end = whole_hour(datetime.now(UTC)) + timedelta(hours=1)
    return end - WEEK, end


def trend_of(totals: QuerySet[HourlyTotal], begin: datetime, end: datetime, events_of: EventsOf | None) -> Trend:
    """Compute the bars of a time, in one query; the first one begins with it."""
    length = next((bar for longest, bar in _BARS.items() if end - begin <= longest), WEEK)
    hours = totals.filter(hour__gte=as_stored(begin), hour__lt=as_stored(end))
    figures = defaultdict[int, list[float]](lambda: [0, 0])
    for hour, events, blocked_us in hours.values_list("hour").annotate(Sum("events"), Sum("blocked_us")).order_by():
        of_bar = figures[(as_aware(hour) - begin) // length]
        of_bar[0] += events
        of_bar[1] += blocked_us / 1000
    highest_ms = max((blocked_ms for _events, blocked_ms in figures.values()), default=0.0)

    def bar(x: int, events: float, blocked_ms: float) -> TrendBar:
        # Even the smallest bar must be visible.
        height = max(round(HEIGHT * blocked_ms / highest_ms), 1) if highest_ms else 1
        start = begin + x * length
        url = events_of(start, start + length) if events_of else ""
        return TrendBar(start, int(events), blocked_ms, x, height, url)

    bars = [bar(x, *figures[x]) for x in sorted(figures)]
    return Trend(begin, end, length, highest_ms, bars, width=-((begin - end) // length))
