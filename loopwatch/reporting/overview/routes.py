"""The routes in whose requests the stalls were, and those whose requests waited meanwhile."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, QuerySet, Sum

from loopwatch.models import RouteTotal
from loopwatch.reporting.overview.harm import SHOWN, Harm
from loopwatch.reporting.overview.moments import as_stored
from loopwatch.reporting.overview.span import DAY, Axis

_CAUSED = ("events", "blocked_us", "requests_delayed", "delay_us")


@dataclass(frozen=True, slots=True)
class HarmfulRoute:
    """Method and route are both empty for what happened outside of known routes."""

    method: str
    route: str
    harm: Harm
    share: float


@dataclass(frozen=True, slots=True)
class SufferingRoute:
    """``share`` is its part of the time that all requests waited."""

    method: str
    route: str
    waits: int
    waited_us: int
    longest_wait_us: int
    share: float


@dataclass(frozen=True, slots=True)
class Routes:
    """The worst first; ``all_us`` is the harm of all routes together."""

    causing: list[HarmfulRoute]
    suffering: list[SufferingRoute]
    all_us: int


def routes(axis: Axis, since: datetime, using: str | None) -> Routes:
    """Look them up in one query."""
    rows = list(
        route_totals(axis, since, using)
        .values_list("method", "route")
        .annotate(*map(Sum, _CAUSED), Max("longest_us"), Sum("waits"), Sum("waited_us"), Max("longest_wait_us"))
        .order_by("method", "route")
    )
    harms = [(method, route, Harm(*figures[:5])) for method, route, *figures in rows]
    all_us = sum(harm.total_us for _, _, harm in harms)
    waits = [(method, route, *figures[5:]) for method, route, *figures in rows]
    waited_us = sum(row[3] for row in waits)
    return Routes(
        causing=[
            HarmfulRoute(method, route, harm, harm.total_us / all_us)
            for method, route, harm in sorted(harms, key=lambda row: -row[2].total_us)[:SHOWN]
            if harm.total_us
        ],
        suffering=[
            SufferingRoute(method, route, number, us, longest_us, us / waited_us)
            for method, route, number, us, longest_us in sorted(waits, key=lambda row: -row[3])[:SHOWN]
            if us
        ],
        all_us=all_us,
    )


def route_totals(axis: Axis, since: datetime, using: str | None) -> QuerySet[RouteTotal]:
    """Hours from ``since`` on; for bars that are days, days (UTC)."""
    totals = RouteTotal.objects.using(using)
    if axis.span.bar == DAY:
        return totals.filter(hours=RouteTotal.Hours.DAY, start__gte=as_stored(axis.first_day_utc))
    return totals.filter(hours=RouteTotal.Hours.HOUR, start__gte=as_stored(since))
