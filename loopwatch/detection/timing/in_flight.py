"""The requests a loop is serving: who a step belongs to, and which others wait while it runs.

Whoever serves requests (the ASGI wrapper) opens a ``RequestInFlight`` and sets it in its context; child tasks inherit
it. A step's handle carries its context, so the request of a stall is looked up after the fact, at no cost to other
steps.
"""

from collections.abc import Callable
from contextvars import ContextVar
from itertools import islice

from loopwatch.detection.calls import Request
from loopwatch.detection.machine.clock import NEVER, now

current_request: ContextVar["RequestInFlight | None"] = ContextVar("loopwatch_current_request", default=None)

DELAYED_KEPT = 32
"""Of how many requests that wait at once the routes are looked up. Of more, these are a sample: sets have no order."""


class InFlight:
    """The requests that a loop is working on. Only the loop's thread writes it."""

    __slots__ = ("requests",)

    def __init__(self) -> None:
        self.requests: set[RequestInFlight] = set()

    def own(self, handle: object) -> "RequestInFlight | None":
        """The request that a handle of this loop runs for.

        A thread that a request starts may inherit its context (``-X thread_inherit_context``, Python 3.14), and with
        it the request. What the thread's own loop runs is none of the request's.
        """
        request = request_of(handle)
        return request if request is not None and request.in_flight is self else None

    def others(self, own: "RequestInFlight | None") -> int:
        """How many requests, besides ``own``, were being worked on."""
        return len(self.requests) - (own in self.requests)

    def some(self, own: "RequestInFlight | None") -> "tuple[RequestInFlight, ...]":
        """The first of those others. While a step runs the requests stay as they are; only the watchdog may be late."""
        try:
            first = list(islice(self.requests, DELAYED_KEPT + 1))
        except RuntimeError:  # the step that was going on has just ended
            return ()
        return tuple([request for request in first if request is not own][:DELAYED_KEPT])


class RequestInFlight:
    """One request being served. What ``ask`` finds out about it is asked for once, after a stall."""

    __slots__ = ("_ask", "_description", "finished_at", "in_flight")

    def __init__(self, in_flight: InFlight, ask: Callable[[], Request]) -> None:
        self.in_flight = in_flight
        self.finished_at = NEVER
        self._ask = ask
        self._description: Request | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a stall would delay it."""
        return self in self.in_flight.requests

    def describe(self) -> Request:
        """Its route and the like, on the watchdog's thread. Whatever ``ask`` raises is raised."""
        if self._description is None:
            self._description = self._ask()
        return self._description

    def resume(self) -> None:
        """It has work to do: a stall would delay it."""
        self.in_flight.requests.add(self)

    def rest(self) -> None:
        """It waits for its client, or is done: a stall delays nobody."""
        self.in_flight.requests.discard(self)

    def finish(self) -> None:
        """It is over. Steps that begin later in its context are not its own."""
        self.in_flight.requests.discard(self)
        self.finished_at = now()


def request_of(handle: object) -> "RequestInFlight | None":
    """The request in whose context a handle runs, read from any thread."""
    context = getattr(handle, "_context", None)
    return None if context is None else context.get(current_request)
