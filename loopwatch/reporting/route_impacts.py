"""Sums up the routes of findings, from hourly totals."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import F, Q, QuerySet

from loopwatch.impact import Impact
from loopwatch.models import Finding, HourlyTotal
from loopwatch.reporting.aggregates import IMPACT


@dataclass(frozen=True, slots=True)
class RouteImpact:
    """A finding's impact on one route; method and route are both empty if no route is known."""

    method: str
    route: str
    impact: Impact

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}".strip()


def lately(totals: QuerySet[HourlyTotal], findings: Collection[Finding]) -> QuerySet[HourlyTotal]:
    """Select the totals of each finding's last week, which begins seven days before it was last seen.

    Their number is limited, no matter how old a finding is.
    """
    if not findings:
        return totals.none()
    weeks = (Q(finding=finding.pk, hour__gte=_week_before(finding.last_seen)) for finding in findings)
    return totals.filter(reduce(or_, weeks))


def _week_before(moment: datetime) -> datetime:
    try:
        return moment - timedelta(days=7)
    except OverflowError:  # the calendar begins later
        return moment


def routes_of(totals: QuerySet[HourlyTotal]) -> dict[int, list[RouteImpact]]:
    """Return the routes of each finding in these totals, most blocked first, by one query."""
    rows = totals.values_list("finding_id", "method", "route").annotate(*IMPACT)
    routes: dict[int, list[RouteImpact]] = defaultdict(list)
    for finding_id, method, route, *figures in rows.order_by(F("blocked_us__sum").desc(), "route", "method"):
        routes[finding_id].append(RouteImpact(method, route, Impact(*figures)))
    return routes
