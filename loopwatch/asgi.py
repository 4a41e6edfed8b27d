"""``LoopWatch``: wraps an ASGI application, watches the loop that serves it, and knows whose request a stall is."""

import asyncio
from functools import partial
from typing import Any

from django.core.asgi import get_asgi_application

from loopwatch import site_monitor
from loopwatch.asgi_types import Application, Message, Receive, Scope, Send
from loopwatch.detection.in_flight import RequestInFlight, current_request
from loopwatch.metrics import availability
from loopwatch.request_route import describe_request
from loopwatch.request_tracing.start import carries_header, start_trace


class LoopWatch:
    """``application = LoopWatch(get_asgi_application())``: any ASGI application, on any server.

    The monitor starts with the first scope that arrives, on the loop it arrives on. It stops, with everything written,
    on lifespan shutdown or when the process ends. With ``LOOPWATCH["ENABLED"] = False`` this is a plain pass-through.
    """

    is_loopwatch = True

    def __init__(self, application: Application) -> None:
        given: Any = application
        if given is get_asgi_application or not callable(given):
            raise TypeError(
                f"LoopWatch wraps an ASGI application, not {application!r}: write LoopWatch(get_asgi_application())."
            )
        self.application = application
        availability.prepare()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        in_flight = site_monitor.watch_running_loop()
        kind = scope["type"]
        if in_flight is None or kind not in ("http", "websocket", "lifespan"):
            await self.application(scope, receive, send)
        elif kind == "lifespan":
            await Lifespan(self.application, receive, send).run(scope)
        elif (outer := current_request.get()) is not None and outer.is_busy:  # an outer LoopWatch has seen it already
            await self.application(scope, receive, send)
        else:
            method, root_path = scope.get("method", ""), scope.get("root_path", "")
            describe = partial(describe_request, self.application, kind, method, scope["path"], root_path)
            request = RequestInFlight(in_flight, describe)
            # Not reset afterwards: the step in which the request ends still belongs to it when the watchdog asks.
            current_request.set(request)
            request.resume()
            trace_on_demand = None
            if carries_header(scope) or site_monitor.trace_rate():
                trace_on_demand = start_trace(scope, request, (self.application, receive, send))
                send = send if trace_on_demand is None else trace_on_demand.answering(send)
            try:
                await self.application(scope, _restful(receive, request) if kind == "websocket" else receive, send)
            finally:
                request.finish()
                if trace_on_demand is not None:
                    trace_on_demand.finish()


def _restful(receive: Receive, request: RequestInFlight) -> Receive:
    """A WebSocket that waits for its client is not delayed by a stall."""

    async def receive_at_rest() -> Message:
        request.rest()
        try:
            return await receive()
        finally:
            request.resume()

    return receive_at_rest


class Lifespan:
    """Passes the lifespan on to the application, and answers it for an application that has none.

    An application that raises or returns before it has asked for the first event does not know the protocol (Django's
    raises). Before the shutdown is confirmed, everything detected is written, on a thread.
    """

    def __init__(self, application: Application, receive: Receive, send: Send) -> None:
        self._application = application
        self._receive = receive
        self._send = send
        self._has_asked = False

    async def run(self, scope: Scope) -> None:
        try:
            await self._application(scope, self._ask, self._answer)
        except Exception:
            if self._has_asked:
                raise
        if not self._has_asked:
            await self._serve()

    async def _serve(self) -> None:
        while True:
            message = await self._receive()
            await self._answer({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _ask(self) -> Message:
        self._has_asked = True
        return await self._receive()

    async def _answer(self, message: Message) -> None:
        if message["type"].startswith("lifespan.shutdown"):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, site_monitor.stop_watching, loop)
        await self._send(message)
