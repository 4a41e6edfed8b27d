"""Builds what the page of one finding shows beside the finding itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from loopwatch.abstract_models import CallColumns
from loopwatch.admin.callers import Callers, callers_of
from loopwatch.admin.exports import EVENTS_DRAWN, FRAMES_DRAWN
from loopwatch.admin.finding_trend import EventsOf, Trend, last_week, trend_of
from loopwatch.admin.flame_tree import FlameTree, tree_of
from loopwatch.admin.history import History, history_of
from loopwatch.admin.stack import CulpritSource, culprit_source
from loopwatch.advice import Advice
from loopwatch.html_cells import route_name
from loopwatch.impact import Impact
from loopwatch.models import BlockingEvent, Finding
from loopwatch.reporting.event_cure import advice_on
from loopwatch.reporting.flame import FlameGraph, SampledEvent, merge
from loopwatch.reporting.overview import TimeAxis
from loopwatch.reporting.route_impacts import RouteImpact, routes_of
from loopwatch.stored_time import as_stored

_EVENTS_EACH = 25
_ROUTES = 50


@dataclass(frozen=True, slots=True)
class RouteShare:
    """Holds a route and its share of the time the finding blocked in total."""

    name: str
    method: str
    route: str
    events: int
    blocked_ms: float
    longest_ms: float
    requests_delayed: int
    requests_kept_out: int
    share: float

    @property
    def percent(self) -> int:
        return round(self.share * 100)


@dataclass(frozen=True, slots=True)
class Sampled:
    """Holds the merged stacks of the newest events."""

    graph: FlameGraph
    tree: FlameTree
    callers: Callers


@dataclass(frozen=True, slots=True)
class Certainty:
    """Counts the newest events, and those whose call is exact. Without events, ``is_exact`` is the finding's."""

    exact: int
    events: int
    is_exact: bool

    @property
    def is_mixed(self) -> bool:
        return 0 < self.exact < self.events


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Holds a finding's source lines, advice, figures by time and route (most blocked first), and some events."""

    impact: Impact
    certainty: Certainty
    culprit: CulpritSource
    advice: Advice
    trend: Trend
    history: History
    sampled: Sampled
    routes: list[RouteShare]
    routes_left_out: int
    slowest: list[BlockingEvent]
    newest: list[BlockingEvent]

    @property
    def newest_are_others(self) -> bool:
        """Whether the newest events differ from the slowest ones."""
        return {event.pk for event in self.newest} != {event.pk for event in self.slowest}


def finding_page(finding: Finding, events_of: EventsOf | None, axis: TimeAxis | None = None) -> FindingPage:
    """Build the page in five queries, two of them for the events; without ``events_of``, it shows no events.

    Its figures are of the time of the axis; without one of all time, and the trend is that of the last seven days.
    """
    with_events = events_of is not None
    totals, events = finding.hourly_totals.all(), finding.blocking_events.all()
    if axis:
        begin, end = as_stored(axis.begin), as_stored(axis.end)
        totals = totals.filter(hour__gte=begin, hour__lt=end)
        events = events.filter(started_at__gte=begin, started_at__lt=end)
    routes = routes_of(totals).get(finding.pk, [])
    newest = _newest_events(events) if with_events else []
    sampled = [SampledEvent(event.stacks, event.leaf_name, event.duration_ms) for event in newest]
    event, samples = next(
        ((event, sample.samples) for event, sample in zip(newest, sampled, strict=True) if sample.samples),
        (_as_event(finding), ()),
    )
    advice = advice_on(event, finding.cause)
    history = history_of(totals)
    return FindingPage(
        impact=history.impact if axis else finding.impact,
        certainty=_certainty(finding, newest),
        culprit=culprit_source(event, samples, advice),
        advice=advice,
        trend=trend_of(totals, *((axis.begin, axis.end) if axis else last_week()), events_of),
        history=history,
        sampled=_together(sampled),
        routes=_shares(routes),
        routes_left_out=max(len(routes) - _ROUTES, 0),
        slowest=_slowest_events(events) if with_events else [],
        newest=newest[:_EVENTS_EACH],
    )


def _certainty(finding: Finding, newest: Sequence[BlockingEvent]) -> Certainty:
    exact = sum(event.exact for event in newest)
    return Certainty(exact, len(newest), is_exact=exact == len(newest) if newest else finding.exact)


def _newest_events(events: QuerySet[BlockingEvent]) -> list[BlockingEvent]:
    """Return the newest events with their stacks, which the rest of the page is built from."""
    return list(events.defer("contributions", "delayed_routes").order_by("-started_at", "-pk")[:EVENTS_DRAWN])


def _slowest_events(events: QuerySet[BlockingEvent]) -> list[BlockingEvent]:
    small = events.defer("stacks", "contributions", "delayed_routes")
    return list(small.order_by("-duration_us", "-pk")[:_EVENTS_EACH])


def _as_event(finding: Finding) -> BlockingEvent:
    """Return the finding's own place as an event, for findings without a stored stack."""
    return BlockingEvent(finding=finding, **{name: getattr(finding, name) for name in CallColumns.column_names()})


def _together(events: Sequence[SampledEvent]) -> Sampled:
    graph = merge(events, FRAMES_DRAWN)
    return Sampled(graph, tree_of(graph), callers_of(events[: len(events) - graph.left_out]))


def _shares(routes: list[RouteImpact]) -> list[RouteShare]:
    blocked_us = sum(total.impact.blocked_us for total in routes) or 1
    return [
        RouteShare(
            name=route_name(total),
            method=total.method,
            route=total.route,
            events=total.impact.events,
            blocked_ms=total.impact.blocked_us / 1000,
            longest_ms=total.impact.longest_us / 1000,
            requests_delayed=total.impact.requests_delayed,
            requests_kept_out=total.impact.requests_kept_out,
            share=total.impact.blocked_us / blocked_us,
        )
        for total in routes[:_ROUTES]
    ]
