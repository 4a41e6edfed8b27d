"""``LoopWatch`` wraps an ASGI application, watches the loop that serves it, and notes the requests in flight."""

import asyncio
from functools import partial

from loopwatch import site_monitor
from loopwatch.asgi_layers import why_not_asgi
from loopwatch.asgi_types import Application, Message, Receive, Scope, Send
from loopwatch.beside_the_loop import beside_the_loop
from loopwatch.channel_messages import ChannelMessages
from loopwatch.detection.timing.in_flight import RequestInFlight, current_request
from loopwatch.metrics import availability
from loopwatch.request_route import CHANNEL, describe_request
from loopwatch.request_tracing.start import carries_header, start_trace

_NOTED = "loopwatch.noted"
"""The key in a scope of which a wrapper has noted the request. It is a plain value, as scopes may be copied."""


class LoopWatch:
    """Wraps any ASGI application, on any server: ``application = LoopWatch(get_asgi_application())``.

    The first scope that arrives starts the monitor, on the loop that the scope arrives on. The monitor stops, with
    everything written, on lifespan shutdown or when the process ends. With ``LOOPWATCH["ENABLED"] = False``, requests
    are only passed through.
    """

    is_loopwatch = True

    def __init__(self, application: Application) -> None:
        if problem := why_not_asgi(application):
            raise TypeError(
                f"LoopWatch wraps an ASGI application, but {application!r} {problem}: "
                "write LoopWatch(get_asgi_application()) in asgi.py, and have an ASGI server run that. In wsgi.py, use "
                "LoopWatchWSGI of loopwatch.wsgi."
            )
        self.application = application
        availability.prepare()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        in_flight = site_monitor.watch_running_loop()
        kind = scope["type"]
        if in_flight is None or kind not in ("http", "websocket", "lifespan", CHANNEL):
            await self.application(scope, receive, send)
        elif kind == "lifespan":
            await Lifespan(self.application, receive, send).run(scope)
        elif _is_noted(scope):
            await self.application(scope, receive, send)
        elif kind == CHANNEL:
            scope[_NOTED] = True
            await ChannelMessages(self.application, in_flight, scope["channel"]).run(scope, receive, send)
        else:
            method, root_path = scope.get("method", ""), scope.get("root_path") or ""
            describe = partial(describe_request, self.application, kind, method, scope.get("path", ""), root_path)
            request = RequestInFlight(in_flight, describe)
            request.begin()
            if in_flight.backlog is not None:
                request.note_arrival(in_flight.backlog)
            trace_on_demand = None
            if carries_header(scope) or site_monitor.trace_rate():
                trace_on_demand = start_trace(scope, request, (self.application, receive, send))
                send = send if trace_on_demand is None else trace_on_demand.answering(send)
            scope[_NOTED] = True
            try:
                await self.application(scope, _resting(receive, request) if kind == "websocket" else receive, send)
            finally:
                scope.pop(_NOTED, None)
                request.finish()
                if trace_on_demand is not None:
                    trace_on_demand.finish()


def _is_noted(scope: Scope) -> bool:
    """Return whether a scope is part of a request that is in flight already: of an outer wrapper, or of this task.

    The context alone does not say so. A server starts the next request of a connection in the context of the one
    before, which has been answered but may not be over:
    https://github.com/encode/uvicorn/blob/0.35.0/uvicorn/protocols/http/httptools_impl.py (``on_response_complete``).
    """
    outer = current_request.get()
    return _NOTED in scope or (outer is not None and outer.is_served_here)


def _resting(receive: Receive, request: RequestInFlight) -> Receive:
    """Return ``receive`` for a WebSocket, which is not delayed by stalls while it waits for its client."""
    in_flight = request.in_flight

    async def receive_resting() -> Message:
        request.rest()
        try:
            message = await receive()
        finally:
            request.resume()
        if in_flight.backlog is not None and message["type"] == "websocket.receive":
            request.note_arrival(in_flight.backlog)
        return message

    return receive_resting


class Lifespan:
    """Passes the lifespan on to the application, or answers it for an application that does not know the protocol.

    Such an application raises or returns before it receives the first event
    (https://asgi.readthedocs.io/en/latest/specs/lifespan.html); Django's raises. Everything detected is written, on a
    thread, before the shutdown is confirmed.
    """

    def __init__(self, application: Application, receive: Receive, send: Send) -> None:
        self._application = application
        self._receive = receive
        self._send = send
        self._has_received = False

    async def run(self, scope: Scope) -> None:
        try:
            await self._application(scope, self._receive_event, self._send_answer)
        except Exception:
            if self._has_received:
                raise
        if not self._has_received:
            await self._answer_alone()

    async def _answer_alone(self) -> None:
        while True:
            message = await self._receive()
            await self._send_answer({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _receive_event(self) -> Message:
        self._has_received = True
        return await self._receive()

    async def _send_answer(self, message: Message) -> None:
        if message["type"].startswith("lifespan.shutdown"):
            await beside_the_loop(site_monitor.stop_watching, asyncio.get_running_loop())
        await self._send(message)
