"""What the page of one event shows beside the event itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from loopwatch.admin.contributions import ContributionRow, contributions_of
from loopwatch.admin.flame_tree import FlameTree, tree_of
from loopwatch.admin.stack import StackPage, stack_page
from loopwatch.advice import Advice, advice_for
from loopwatch.models import BlockingEvent
from loopwatch.reporting.flame import FlameGraph, SampledEvent, merge
from loopwatch.rows.details import StoredDelay, read_contributions, read_delays


@dataclass(frozen=True, slots=True)
class DelayedRoute:
    """How many requests of a route waited meanwhile."""

    name: str
    requests: int


@dataclass(frozen=True, slots=True)
class EventPage:
    """The representative stack, all the samples merged, what took the time, what to do, and who waited.

    ``is_damaged`` where there is more in the row that cannot be read.
    """

    stack: StackPage
    graph: FlameGraph
    tree: FlameTree
    contributions: list[ContributionRow]
    advice: Advice
    delayed: list[DelayedRoute]
    is_damaged: bool


def event_page(event: BlockingEvent) -> EventPage:
    """Made from the event's own row, without a query."""
    sampled = SampledEvent(event.stacks, event.leaf_name, event.duration_ms)
    contributions, delays = read_contributions(event.contributions), read_delays(event.delayed_routes)
    graph = merge([sampled])
    return EventPage(
        stack=stack_page(event, sampled.samples),
        graph=graph,
        tree=tree_of(graph),
        contributions=contributions_of(contributions.values, event.step_ms),
        advice=advice_on(event, event.cause),
        delayed=_delayed(delays.values),
        is_damaged=sampled.read.is_damaged or contributions.is_damaged or delays.is_damaged,
    )


def advice_on(event: BlockingEvent, cause: str) -> Advice:
    """What to do about the call that this event was stored for."""
    names = {"called_name": event.called_name, "leaf_name": event.leaf_name}
    return advice_for(event.finding.blocking_call, cause=cause, **names)


def _delayed(delays: Iterable[StoredDelay]) -> list[DelayedRoute]:
    """As stored, most first."""
    return [DelayedRoute(f"{each.method} {each.route}".strip() or _("no route"), each.requests) for each in delays]
