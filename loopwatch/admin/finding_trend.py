"""Computes the bar chart of a finding's blocked time per hour, for a template that draws it as SVG."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap

from django.db.models import QuerySet, Sum
from django.utils.formats import date_format

from loopwatch.html_cells import DATE, MINUTE
from loopwatch.models import HourlyTotal
from loopwatch.stored_time import as_aware, as_local, as_stored, whole_hour

HOURS = 7 * 24
HEIGHT = 60

EventsOf = Callable[[datetime, datetime], str]
"""Returns the address of the events between two moments."""


@dataclass(frozen=True, slots=True)
class HourBar:
    """Holds one hour with events. ``x`` counts hours from the left; ``y`` and ``height`` add up to ``HEIGHT``.

    ``url`` is the address of its events, empty if the user may not view them.
    """

    hour: datetime
    events: int
    blocked_ms: float
    x: int
    height: int
    url: str

    @property
    def label(self) -> str:
        return date_format(as_local(self.hour), f"{DATE} {MINUTE}")

    @property
    def y(self) -> int:
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class Trend:
    """Holds the bars of one week, without hours that have no events."""

    begin: datetime
    end: datetime
    highest_ms: float
    bars: list[HourBar]
    width: int = HOURS
    height: int = HEIGHT


def trend_of(totals: QuerySet[HourlyTotal], now: datetime, events_of: EventsOf | None) -> Trend:
    """Compute the week that ends with the current hour, in one query."""
    end = whole_hour(as_aware(now)) + timedelta(hours=1)
    begin = end - timedelta(hours=HOURS)
    rows = totals.filter(hour__gte=as_stored(begin)).values_list("hour").annotate(Sum("events"), Sum("blocked_us"))
    hours = [(as_aware(hour), events, blocked_us / 1000) for hour, events, blocked_us in rows.order_by("hour")]
    highest_ms = max((blocked_ms for _hour, _events, blocked_ms in hours), default=0.0)

    def bar(hour: datetime, events: int, blocked_ms: float) -> HourBar:
        # Even the smallest bar must be visible.
        height = max(round(HEIGHT * blocked_ms / highest_ms), 1) if highest_ms else 1
        url = events_of(hour, hour + timedelta(hours=1)) if events_of else ""
        return HourBar(hour, events, blocked_ms, int((hour - begin) / timedelta(hours=1)), height, url)

    bars = [bar for bar in starmap(bar, hours) if bar.x < HOURS]
    return Trend(begin, end, highest_ms, bars)
