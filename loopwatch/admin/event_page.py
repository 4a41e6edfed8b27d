"""Builds what the page of one event shows beside the event itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from loopwatch.admin.flame_tree import FlameTree, tree_of
from loopwatch.admin.stack import StackPage, ThreadView, other_threads, stack_page
from loopwatch.advice import Advice
from loopwatch.html_cells import request_name
from loopwatch.models import BlockingEvent
from loopwatch.reporting.event_cure import advice_on
from loopwatch.reporting.flame import FlameGraph, SampledEvent, merge
from loopwatch.rows.details import StoredContribution, StoredDelay, read_contributions, read_delays
from loopwatch.rows.stacks import read_threads


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """Holds one contribution to the step. ``count`` is ``None`` if the engine cannot count calls.

    ``function`` is the in-app code that called it, and ``lineno`` the line there; empty and 0 for in-app code itself.
    """

    name: str
    own_ms: float
    count: int | None
    percent: int
    function: str
    lineno: int


@dataclass(frozen=True, slots=True)
class EventRoute:
    """Names a route, and counts its requests that blocked or that waited meanwhile."""

    name: str
    method: str
    route: str
    requests: int


@dataclass(frozen=True, slots=True)
class EventPage:
    """Holds the representative stack, those of other threads, all samples merged, and the smaller columns.

    ``is_damaged`` says that some stored data cannot be read.
    """

    stack: StackPage
    threads: list[ThreadView]
    graph: FlameGraph
    tree: FlameTree
    contributions: list[ContributionRow]
    advice: Advice
    request: EventRoute
    delayed: list[EventRoute]
    is_damaged: bool


def event_page(event: BlockingEvent) -> EventPage:
    """Build the page from the event's row, without a query."""
    sampled = SampledEvent(event.stacks, event.leaf_name, event.duration_ms)
    contributions, delays = read_contributions(event.contributions), read_delays(event.delayed_routes)
    threads = read_threads(event.stacks)
    graph, advice = merge([sampled]), advice_on(event, event.cause)
    return EventPage(
        stack=stack_page(event, sampled.samples, advice),
        threads=other_threads(threads.values),
        graph=graph,
        tree=tree_of(graph),
        contributions=_contributions(contributions.values, event.step_ms),
        advice=advice,
        request=EventRoute(request_name(event), event.method, event.route, 1),
        delayed=_delayed(delays.values),
        is_damaged=any(column.is_damaged for column in (sampled.read, threads, contributions, delays)),
    )


def _delayed(delays: Iterable[StoredDelay]) -> list[EventRoute]:
    """Return the delayed routes as stored, most requests first."""
    return [
        EventRoute(f"{each.method} {each.route}".strip() or _("no route"), each.method, each.route, each.requests)
        for each in delays
    ]


def _contributions(contributions: Iterable[StoredContribution], step_ms: float) -> list[ContributionRow]:
    """Return the contributions to a step of ``step_ms``, largest first."""
    rows = [_contribution(each, step_ms) for each in contributions]
    return sorted(rows, key=lambda row: row.own_ms, reverse=True)


def _contribution(each: StoredContribution, step_ms: float) -> ContributionRow:
    return ContributionRow(
        name=each.name,
        own_ms=each.own_ms,
        count=each.count,
        percent=round(100 * each.own_ms / (step_ms or each.own_ms or 1)),
        function="" if each.function == each.name else each.function,
        lineno=each.lineno,
    )
