"""Finds the routes that cause stalls, and the routes whose requests wait for them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Sum

from loopwatch.impact import Impact
from loopwatch.models import RouteTotal
from loopwatch.reporting.aggregates import IMPACT
from loopwatch.reporting.overview.time_axis import DAY, TimeAxis
from loopwatch.reporting.overview.worst_findings import SHOWN
from loopwatch.stored_time import as_stored


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """A route that causes stalls, or whose requests wait; method and route are both empty outside of known routes.

    ``share`` is its part of the impact. ``arrivals_late`` counts the requests that could not arrive, and ``late_us``
    adds up their waits: estimates.
    """

    method: str
    route: str
    impact: Impact
    share: float
    waits: int
    waited_us: int
    arrivals_late: int
    late_us: int

    @property
    def total_waited_us(self) -> int:
        return self.waited_us + self.late_us


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes that cause most and those that wait longest, worst first; ``most_delayed`` waits longest.

    ``all_us`` is the total impact of all routes, and ``before_us`` that in as much time before: 0 where nothing is
    compared, because the axis has few hours, or is as long as a year.
    """

    rows: list[RouteFigures]
    most_delayed: RouteFigures | None
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
        .annotate(*IMPACT, Sum("waits"), Sum("waited_us"), Sum("arrivals_late"), Sum("late_us"))
        .order_by("method", "route")
    )
    all_us, before_us = (
        sum(Impact(*row[3 : 3 + len(IMPACT)]).total_us for row in found if row[0] is is_before)
        for is_before in (False, True)
    )
    rows = [_figures(row, all_us) for is_before, *row in found if not is_before]
    causing = [row for row in sorted(rows, key=lambda row: -row.impact.total_us)[:SHOWN] if row.impact.total_us]
    suffering = [row for row in sorted(rows, key=lambda row: -row.total_waited_us)[:SHOWN] if row.total_waited_us]
    return Routes(
        rows=[*causing, *(row for row in suffering if row not in causing)],
        most_delayed=suffering[0] if suffering else None,
        all_us=all_us,
        before_us=before_us,
    )


def _figures(row: list[Any], all_us: int) -> RouteFigures:
    method, route, *figures = row
    impact = Impact(*figures[: len(IMPACT)])
    return RouteFigures(method, route, impact, impact.total_us / (all_us or 1), *figures[len(IMPACT) :])


def route_totals(axis: TimeAxis, using: str | None, before: timedelta = timedelta()) -> QuerySet[RouteTotal]:
    """Select the hours of the axis and of some time before; if bars are days, the days (UTC)."""
    totals = RouteTotal.objects.using(using)
    if axis.span.bar == DAY:
        hours, begin, end = RouteTotal.Hours.DAY, axis.first_day_utc, axis.end_day_utc
    else:
        hours, begin, end = RouteTotal.Hours.HOUR, axis.begin, axis.end
    return totals.filter(hours=hours, start__gte=as_stored(begin - before), start__lt=as_stored(end))
