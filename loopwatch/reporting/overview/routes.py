"""Finds the routes that cause stalls, and the routes whose requests wait for them."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import BooleanField, ExpressionWrapper, Max, Q, QuerySet, Sum

from loopwatch.impact import Impact
from loopwatch.models import RouteTotal
from loopwatch.reporting.aggregates import IMPACT
from loopwatch.reporting.overview.time_axis import DAY, TimeAxis
from loopwatch.reporting.overview.worst_findings import SHOWN
from loopwatch.stored_time import as_stored


@dataclass(frozen=True, slots=True)
class CausingRoute:
    """A route that causes stalls; method and route are both empty outside of known routes."""

    method: str
    route: str
    impact: Impact
    share: float


@dataclass(frozen=True, slots=True)
class SufferingRoute:
    """A route whose requests wait; ``share`` is its part of the time that all requests waited.

    ``arrivals_late`` counts the requests that could not arrive, and ``late_us`` adds up their waits: estimates.
    """

    method: str
    route: str
    waits: int
    waited_us: int
    longest_wait_us: int
    arrivals_late: int
    late_us: int
    share: float

    @property
    def total_waited_us(self) -> int:
        return self.waited_us + self.late_us


@dataclass(frozen=True, slots=True)
class Routes:
    """Both lists of routes, worst first.

    ``all_us`` is the total impact of all routes, and ``before_us`` that in as much time before: 0 where nothing is
    compared, because the axis has few hours, or is as long as a year.
    """

    causing: list[CausingRoute]
    suffering: list[SufferingRoute]
    all_us: int
    before_us: int


def routes(axis: TimeAxis, using: str | None) -> Routes:
    """Look up the routes, by one query."""
    is_compared = axis.span.rows is not None and axis.span.bar > timedelta(minutes=1)
    begin = as_stored(axis.first_day_utc if axis.span.bar == DAY else axis.begin)
    found = list(
        route_totals(axis, using, axis.length if is_compared else timedelta())
        .annotate(is_before=ExpressionWrapper(Q(start__lt=begin), BooleanField()))
        .values_list("is_before", "method", "route")
        .annotate(*IMPACT, Sum("waits"), Sum("waited_us"), Max("longest_wait_us"), Sum("arrivals_late"), Sum("late_us"))
        .order_by("method", "route")
    )
    rows = [row for is_before, *row in found if not is_before]
    impacts = [(method, route, Impact(*figures[: len(IMPACT)])) for method, route, *figures in rows]
    all_us = sum(impact.total_us for _, _, impact in impacts)
    waits = [(method, route, *figures[len(IMPACT) :]) for method, route, *figures in rows]
    waited_us = sum(row[3] + row[6] for row in waits)
    return Routes(
        causing=[
            CausingRoute(method, route, impact, impact.total_us / all_us)
            for method, route, impact in sorted(impacts, key=lambda row: -row[2].total_us)[:SHOWN]
            if impact.total_us
        ],
        suffering=[
            SufferingRoute(method, route, number, us, longest_us, late, late_us, (us + late_us) / waited_us)
            for method, route, number, us, longest_us, late, late_us in sorted(waits, key=lambda row: -row[3] - row[6])[
                :SHOWN
            ]
            if us or late_us
        ],
        all_us=all_us,
        before_us=sum(Impact(*row[3 : 3 + len(IMPACT)]).total_us for row in found if row[0]),
    )


def route_totals(axis: TimeAxis, using: str | None, before: timedelta = timedelta()) -> QuerySet[RouteTotal]:
    """Select the hours of the axis and of some time before; if bars are days, the days (UTC)."""
    totals = RouteTotal.objects.using(using)
    if axis.span.bar == DAY:
        hours, begin, end = RouteTotal.Hours.DAY, axis.first_day_utc, axis.end_day_utc
    else:
        hours, begin, end = RouteTotal.Hours.HOUR, axis.begin, axis.end
    return totals.filter(hours=hours, start__gte=as_stored(begin - before), start__lt=as_stored(end))
