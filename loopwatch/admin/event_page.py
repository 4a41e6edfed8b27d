"""What the page of one event shows beside the event itself."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from loopwatch.admin.contributions import ContributionRow, contributions_of
from loopwatch.admin.flame_tree import FlameTree, tree_of
from loopwatch.admin.stack import StackPage, stack_page
from loopwatch.advice import Advice, advice_for
from loopwatch.models import BlockingEvent
from loopwatch.reporting.flame import FlameGraph, SampledEvent, merge


@dataclass(frozen=True, slots=True)
class DelayedRoute:
    """How many requests of a route waited meanwhile."""

    name: str
    requests: int


@dataclass(frozen=True, slots=True)
class EventPage:
    """The representative stack, all the samples merged, what took the time, what to do, and who waited."""

    stack: StackPage
    graph: FlameGraph
    tree: FlameTree
    contributions: list[ContributionRow]
    advice: Advice
    delayed: list[DelayedRoute]


def event_page(event: BlockingEvent) -> EventPage:
    """Made from the event's own row, without a query."""
    sampled = SampledEvent(event.stacks, event.leaf_name, event.duration_ms)
    graph = merge([sampled])
    return EventPage(
        stack=stack_page(event, sampled.samples),
        graph=graph,
        tree=tree_of(graph),
        contributions=contributions_of(event),
        advice=advice_on(event, event.cause),
        delayed=_delayed(event.delayed_routes),
    )


def advice_on(event: BlockingEvent, cause: str) -> Advice:
    """What to do about the call that this event was stored for."""
    names = {"called_name": event.called_name, "leaf_name": event.leaf_name}
    return advice_for(event.finding.blocking_call, cause=cause, **names)


def _delayed(stored: object) -> list[DelayedRoute]:
    """As stored, most first; junk is left out."""
    routes = []
    for entry in stored if isinstance(stored, list) else []:
        match entry:
            case [str() as method, str() as route, int() as requests]:
                routes.append(DelayedRoute(f"{method} {route}".strip() or _("no route"), requests))
    return routes
