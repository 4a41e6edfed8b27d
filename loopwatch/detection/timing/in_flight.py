"""The requests that a loop is serving: which one a step belongs to, and which others wait while it runs.

The ASGI wrapper opens a ``RequestInFlight`` and sets it in its context, which child tasks inherit. A step's handle
carries its context, so the request of a stall is looked up after the fact, and other steps pay nothing.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar
from itertools import islice

from loopwatch.detection.calls import PROGRAM, Request
from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.steps import UnobservedStep

current_request: ContextVar["RequestInFlight | None"] = ContextVar("loopwatch_current_request", default=None)

DELAYED_KEPT = 32
"""How many waiting requests have their routes looked up: an arbitrary selection, because sets have no order."""


class InFlight:
    """The requests that a loop is working on. Only the loop's thread writes it.

    ``backlog`` counts those that a stall kept out, until the loop has caught up. ``unobserved`` is the running step, if
    the watching began in it. ``program`` is what all steps without a request belong to; any thread may set it.
    ``latest`` is the request that began last, at ``latest_began``.
    """

    __slots__ = ("backlog", "latest", "latest_began", "program", "requests", "unobserved")

    def __init__(self) -> None:
        self.requests: set[RequestInFlight] = set()
        self.backlog: Backlog | None = None
        self.unobserved: UnobservedStep | None = None
        self.program: ProgramInFlight | None = None
        self.latest: RequestInFlight | None = None
        self.latest_began = 0.0

    def own(self, handle: object, step_started: float) -> "RequestInFlight | None":
        """Return the request or program that a handle of this loop runs for, in the step that began then.

        An eager task (``asyncio.eager_task_factory``, Python 3.12) begins inside a step of the server, whose handle
        does not know its context, so a request that began in a step that has no other is its own.

        A thread that a request starts may inherit its context (``-X thread_inherit_context``, Python 3.14), and with
        it the request. Steps of the thread's own loop do not belong to that request.
        """
        request = request_of(handle)
        if self.latest_began >= step_started and (request is None or request.leaves_step(step_started)):
            request = self.latest
        if request is None or not (request.in_flight is self or request.has_any_loop):
            return self.program
        return request.serving or request

    def others(self, own: "RequestInFlight | None") -> int:
        """Return how many requests, besides ``own``, are being worked on."""
        return len(self.requests) - (own in self.requests)

    def some(self, own: "RequestInFlight | None") -> "tuple[RequestInFlight, ...]":
        """Return some of the other requests; none if the step ends while the watchdog is reading them."""
        try:
            first = list(islice(self.requests, DELAYED_KEPT + 1))
        except RuntimeError:  # the running step has just ended
            return ()
        return tuple([request for request in first if request is not own][:DELAYED_KEPT])


class WorkForRequest:
    """Work of a thread for ``request``, or for no request."""

    __slots__ = ("request",)

    request: "RequestInFlight | None"


class RequestInFlight:
    """One request being served. ``ask`` describes it after a stall, at most twice once it finds a route."""

    __slots__ = ("_ask", "_description", "_is_asked_inside", "_task_id", "finished_at", "in_flight")

    has_any_loop = False
    """Whether steps of any loop may belong to it."""
    serving: "RequestInFlight | None" = None
    """The part of it that is being served."""

    def __init__(self, in_flight: InFlight, ask: Callable[[], Request]) -> None:
        self.in_flight = in_flight
        self.finished_at = NEVER
        self._ask = ask
        self._description: Request | None = None
        self._is_asked_inside = False
        self._task_id: int | None = None
        """Not the task itself, whose context would refer to it in a circle."""

    @property
    def is_served_here(self) -> bool:
        """Whether the running task is the one that serves the request, which is not over."""
        return self.finished_at == NEVER and self._task_id == id(asyncio.current_task())

    def leaves_step(self, started: float) -> bool:
        """Return whether a step in its context, which began then, may be another request's: it was over by then."""
        return self.finished_at <= started

    @property
    def is_busy(self) -> bool:
        """Whether a stall would delay the request."""
        return self in self.in_flight.requests

    def describe(self, context: Context | None = None) -> Request:
        """Return its route, method and so on. Never on the loop's thread; raises what ``ask`` raises.

        ``ask`` runs in a copy of the ``context`` of one of its steps, if there is one, and may learn more there: Django
        keeps the URL configuration and the language of a request in it.
        """
        if self._description is not None and (context is None or self._is_asked_inside):
            return self._description
        description: Request = self._ask() if context is None else context.copy().run(self._ask)
        if description.route or description.consumer:  # otherwise it may be found later
            self._description, self._is_asked_inside = description, context is not None
        return description

    def begin(self) -> None:
        """Note that the request is served by the running task, in the current context, and has work to do.

        The context keeps it, because the watchdog may ask for the request of a step that has already ended.
        """
        self._task_id = id(asyncio.current_task())
        current_request.set(self)
        self.in_flight.latest, self.in_flight.latest_began = self, now()
        if self.in_flight.unobserved is not None:
            self.in_flight.unobserved.note_context()
        self.resume()

    def resume(self) -> None:
        """Note that the request has work to do: a stall would delay it."""
        # A task that has waited for the client may outlive the request.
        if self.finished_at == NEVER:
            self.in_flight.requests.add(self)

    def note_arrival(self, backlog: Backlog) -> None:
        """Note that something from the client has arrived while the loop is catching up after a stall."""
        backlog.add(self.describe, now())

    def rest(self) -> None:
        """Note that the request waits for its client, or is done: a stall would not delay it."""
        self.in_flight.requests.discard(self)

    def finish(self) -> None:
        """Note that the request is over. Steps that begin later in its context do not belong to it."""
        self.in_flight.requests.discard(self)
        self.finished_at = now()


class ChannelInFlight(RequestInFlight):
    """A scope in which one message after another is served, each of which is a request."""

    __slots__ = ("serving",)

    def __init__(self, in_flight: InFlight, ask: Callable[[], Request]) -> None:
        super().__init__(in_flight, ask)
        self.serving = None

    def describe(self, context: Context | None = None) -> Request:
        """Return the description of the message, for calls that wait for a thread meanwhile."""
        serving = self.serving
        return super().describe(context) if serving is None else serving.describe(context)

    def serve(self, message: RequestInFlight | None) -> None:
        """Note that the message before has been served, and that this one is, if there is one."""
        if self.serving is not None:
            self.serving.finish()
        self.serving = message
        if message is not None:
            message.resume()


class ThreadRequest(RequestInFlight):
    """A request that a thread serves. Its steps are those in its context, on any loop; no stall of others delays it."""

    __slots__ = ()

    has_any_loop = True

    def __init__(self, ask: Callable[[], Request]) -> None:
        super().__init__(InFlight(), ask)


class ProgramInFlight(ThreadRequest):
    """A named part of a program that no server runs."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(lambda: Request(PROGRAM, route=name))

    def leaves_step(self, started: float) -> bool:  # noqa: ARG002
        return True


def request_of(handle: object) -> "RequestInFlight | None":
    """Return the request in whose context a handle runs. From any thread."""
    context = getattr(handle, "_context", None)
    return None if context is None else context.get(current_request)


def context_of(handle: object) -> Context | None:
    """Return a copy of the context in which a handle runs, as it is now. From any thread that has the GIL."""
    context: Context | None = getattr(handle, "_context", None)
    return None if context is None or not is_gil_enabled() else context.copy()
