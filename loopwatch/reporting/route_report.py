"""Reports one route: what blocks in it, which routes that delays, and what delays the route itself."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from loopwatch.impact import Impact
from loopwatch.models import BlockingEvent, Finding, HourlyTotal
from loopwatch.reporting.aggregates import IMPACT
from loopwatch.reporting.overview.routes import route_totals
from loopwatch.reporting.overview.time_axis import TimeAxis
from loopwatch.reporting.overview.worst_findings import total_us
from loopwatch.rows.details import read_delays
from loopwatch.stored_time import as_stored

SHOWN = 20
EVENTS = 2_000
"""Only stored events say who delayed whom. So many are read within about 100 ms."""


@dataclass(frozen=True, slots=True)
class RouteDelays:
    """Counts the delayed requests of stored events, most first.

    ``victims`` are the routes that stalls of this route delayed, as method, route and requests, and ``culprits`` the
    findings that delayed this route. ``events`` is how many events were read.
    """

    victims: list[tuple[str, str, int]]
    culprits: list[tuple[Finding, int]]
    events: int


@dataclass(frozen=True, slots=True)
class RouteReport:
    """Holds exact sums of the route's stalls and of its own waits, and its findings with the most impact first."""

    impact: Impact
    waits: int
    waited_us: int
    findings: list[tuple[Finding, Impact]]
    delays: RouteDelays


def route_report(method: str, route: str, axis: TimeAxis, using: str | None) -> RouteReport:
    """Look the route up, by five queries."""
    totals = route_totals(axis, using).filter(method=method, route=route).values_list("method")
    rows = totals.annotate(*IMPACT, Sum("waits"), Sum("waited_us"), Sum("arrivals_late"), Sum("late_us")).order_by()
    figures: Sequence[Any] = next((row[1:] for row in rows), [0] * (len(IMPACT) + 4))
    waits, waited_us, late, late_us = figures[len(IMPACT) :]
    return RouteReport(
        impact=Impact(*figures[: len(IMPACT)]),
        waits=waits + late,
        waited_us=waited_us + late_us,
        findings=_findings(method, route, axis, using),
        delays=_delays(method, route, axis, using),
    )


def _findings(method: str, route: str, axis: TimeAxis, using: str | None) -> list[tuple[Finding, Impact]]:
    hours = HourlyTotal.objects.using(using).filter(
        method=method, route=route, hour__gte=as_stored(axis.begin), hour__lt=as_stored(axis.end)
    )
    rows = hours.values_list("finding_id").annotate(*IMPACT).order_by(total_us("__sum").desc(), "finding_id")[:SHOWN]
    impacts = {finding_id: Impact(*figures) for finding_id, *figures in rows}
    findings = Finding.objects.using(using).in_bulk(impacts)
    return [(findings[pk], impact) for pk, impact in impacts.items() if pk in findings]


def _delays(method: str, route: str, axis: TimeAxis, using: str | None) -> RouteDelays:
    events = BlockingEvent.objects.using(using).filter(
        started_at__gte=as_stored(axis.begin), started_at__lt=as_stored(axis.end), requests_delayed__gt=0
    )
    rows = events.order_by("-started_at").values_list("finding_id", "method", "route", "delayed_routes")[:EVENTS]
    victims, culprits, number = Counter[tuple[str, str]](), Counter[int](), 0
    for finding_id, *blocking, stored in rows:
        number += 1
        for delay in read_delays(stored).values:
            if blocking == [method, route]:
                victims[delay.method, delay.route] += delay.requests
            if (delay.method, delay.route) == (method, route):
                culprits[finding_id] += delay.requests
    findings = Finding.objects.using(using).in_bulk([pk for pk, _requests in culprits.most_common(SHOWN)])
    return RouteDelays(
        victims=[(*victim, requests) for victim, requests in victims.most_common(SHOWN)],
        culprits=[(findings[pk], requests) for pk, requests in culprits.most_common(SHOWN) if pk in findings],
        events=number,
    )
