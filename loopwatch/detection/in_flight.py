"""The requests a loop is serving: who a step belongs to, and how many others wait while it runs.

Whoever serves requests (the ASGI wrapper) opens a ``RequestInFlight`` and sets it in its context; child tasks inherit
it. A step's handle carries its context, so the request of a stall is looked up after the fact, at no cost to other
steps.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from loopwatch.detection.calls import Request
from loopwatch.detection.clock import NEVER, now

if TYPE_CHECKING:
    from loopwatch.detection.traced_requests import RequestTracing

current_request: ContextVar["RequestInFlight | None"] = ContextVar("loopwatch_current_request", default=None)


class InFlight:
    """Counts the requests that a loop is working on. Only the loop's thread writes it."""

    __slots__ = ("busy",)

    def __init__(self) -> None:
        self.busy = 0

    def others(self, handle: object) -> int:
        """How many requests, besides the one that ``handle`` runs for, were being worked on."""
        own = request_of(handle)
        return self.busy - 1 if own is not None and own.is_busy and own.in_flight is self else self.busy


class RequestInFlight:
    """One request being served. ``describe`` is called after a stall, on the watchdog's thread.

    ``tracing`` is set if the request is traced by itself.
    """

    __slots__ = ("describe", "finished_at", "in_flight", "is_busy", "tracing")

    def __init__(self, in_flight: InFlight, describe: Callable[[], Request]) -> None:
        self.in_flight = in_flight
        self.describe = describe
        self.is_busy = False
        self.finished_at = NEVER
        self.tracing: RequestTracing | None = None

    def resume(self) -> None:
        """It has work to do: a stall would delay it."""
        if not self.is_busy:
            self.is_busy = True
            self.in_flight.busy += 1

    def rest(self) -> None:
        """It waits for its client, or is done: a stall delays nobody."""
        if self.is_busy:
            self.is_busy = False
            self.in_flight.busy -= 1

    def finish(self) -> None:
        """It is over. Steps that begin later in its context are not its own."""
        self.rest()
        self.finished_at = now()


def request_of(handle: object) -> "RequestInFlight | None":
    """The request in whose context a handle runs, read from any thread."""
    context = getattr(handle, "_context", None)
    return None if context is None else context.get(current_request)
