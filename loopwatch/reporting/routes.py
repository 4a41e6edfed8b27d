"""Which routes a finding was seen on, from the hourly totals."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_

from django.db.models import Max, Q, QuerySet, Sum

from loopwatch.models import Finding, HourlyTotal


@dataclass(frozen=True, slots=True)
class RouteTotal:
    """What one finding did on one route; method and route are both empty where no route was known."""

    method: str
    route: str
    events: int
    blocked_us: int
    longest_us: int
    requests_delayed: int

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}".strip()


def lately(totals: QuerySet[HourlyTotal], findings: Collection[Finding]) -> QuerySet[HourlyTotal]:
    """Those of each finding's last week: from seven days before it was last seen on.

    However long a finding has been going on, there are no more of them than that.
    """
    if not findings:
        return totals.none()
    weeks = (Q(finding=finding.pk, hour__gte=finding.last_seen - timedelta(days=7)) for finding in findings)
    return totals.filter(reduce(or_, weeks))


def routes_of(totals: QuerySet[HourlyTotal]) -> dict[int, list[RouteTotal]]:
    """The routes of each finding among these totals, most blocked first, in one query."""
    rows = totals.values_list("finding_id", "method", "route").annotate(
        Sum("events"), total_us=Sum("blocked_us"), longest=Max("longest_us"), delayed=Sum("requests_delayed")
    )
    routes: dict[int, list[RouteTotal]] = defaultdict(list)
    for finding_id, *columns in rows.order_by("-total_us", "route", "method"):
        routes[finding_id].append(RouteTotal(*columns))
    return routes
