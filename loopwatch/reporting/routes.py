"""Which routes a finding was seen on, from the hourly totals."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Max, QuerySet, Sum

from loopwatch.models import HourlyTotal


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


def routes_of(totals: QuerySet[HourlyTotal]) -> dict[int, list[RouteTotal]]:
    """The routes of each finding among these totals, most blocked first, in one query."""
    rows = totals.values_list("finding_id", "method", "route").annotate(
        Sum("events"), total_us=Sum("blocked_us"), longest=Max("longest_us"), delayed=Sum("requests_delayed")
    )
    routes: dict[int, list[RouteTotal]] = defaultdict(list)
    for finding_id, *columns in rows.order_by("-total_us", "route", "method"):
        routes[finding_id].append(RouteTotal(*columns))
    return routes
