"""What the page of one finding shows beside the finding itself."""

from dataclasses import dataclass

from django.utils import timezone

from loopwatch.admin.trend import Trend, trend_of
from loopwatch.cells import route_name
from loopwatch.models import BlockingEvent, Finding
from loopwatch.reporting.routes import RouteTotal, routes_of

_EVENTS_EACH = 25
_ROUTES = 50


@dataclass(frozen=True, slots=True)
class RouteShare:
    """A route, with its part of the time the finding blocked in total."""

    name: str
    events: int
    blocked_ms: float
    longest_ms: float
    requests_delayed: int
    share: float

    @property
    def percent(self) -> int:
        return round(self.share * 100)


@dataclass(frozen=True, slots=True)
class FindingPage:
    """A finding's routes (most blocked first), its trend and a bounded number of its events."""

    routes: list[RouteShare]
    routes_left_out: int
    trend: Trend
    slowest: list[BlockingEvent]
    newest: list[BlockingEvent]


def finding_page(finding: Finding, *, with_events: bool) -> FindingPage:
    """Look it up in four queries, two without the events."""
    totals = finding.hourly_totals.all()
    routes = routes_of(totals).get(finding.pk, [])
    return FindingPage(
        routes=_shares(routes),
        routes_left_out=max(len(routes) - _ROUTES, 0),
        trend=trend_of(totals, timezone.now()),
        slowest=_first_events(finding, "duration_us") if with_events else [],
        newest=_first_events(finding, "started_at") if with_events else [],
    )


def _first_events(finding: Finding, column: str) -> list[BlockingEvent]:
    events = finding.blocking_events.defer("stacks", "contributions")
    return list(events.order_by(f"-{column}", "-pk")[:_EVENTS_EACH])


def _shares(routes: list[RouteTotal]) -> list[RouteShare]:
    blocked_us = sum(total.blocked_us for total in routes) or 1
    return [
        RouteShare(
            name=route_name(total),
            events=total.events,
            blocked_ms=total.blocked_us / 1000,
            longest_ms=total.longest_us / 1000,
            requests_delayed=total.requests_delayed,
            share=total.blocked_us / blocked_us,
        )
        for total in routes[:_ROUTES]
    ]
