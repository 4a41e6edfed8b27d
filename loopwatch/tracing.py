"""Traces single requests: those that ask for it with a valid token, and a share of the others by chance.

A request that asks is answered with figures (``Server-Timing``), and its calls are logged. What reached the threshold
of the site is recorded as ever; what did not is told there and nowhere else, so that the counts of the findings stay
comparable. A request that chance has chosen is explained more exactly, and nobody can tell.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import Context
from typing import Any

from loopwatch import site_monitor
from loopwatch.conf import configuration
from loopwatch.detection import monitor
from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.in_flight import RequestInFlight
from loopwatch.detection.traced_requests import Figures, RequestTracing
from loopwatch.escaping.log import log_text
from loopwatch.recording import requests
from loopwatch.recording.paths import shorten
from loopwatch.server_timing import appended, server_timing, uncached
from loopwatch.trace_token import threshold_ms_of

HEADER = "X-Loopwatch-Trace"
_NAME = HEADER.lower().encode()
SETTLE_TIMEOUT_S = 1.0

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

trace_logger = logging.getLogger("loopwatch.trace")


def is_asked_for(scope: Scope) -> bool:
    """Whether a request carries the header, with whatever in it. On the loop's thread, for every request."""
    try:
        for name, _ in scope.get("headers") or ():
            if name == _NAME:
                return True
    except Exception:  # noqa: BLE001 - whatever these headers are, they ask for nothing
        return False
    return False


def trace(scope: Scope, request: RequestInFlight, calls_next: Iterable[object]) -> "TraceOnDemand | None":
    """Trace a request that has just begun, if it asks for it or chance will have it; what answers it, if it has asked.

    ``calls_next`` are the functions that loopwatch itself will call for it.

    On the loop's thread. Never raises.
    """
    try:
        threshold_ms = _threshold_ms(scope.get("headers") or ())
        if threshold_ms is not None:
            loop, tracing = asyncio.get_running_loop(), RequestTracing(request, threshold_ms / 1000)
            if monitor.trace_request(loop, tracing, calls_next):
                return TraceOnDemand(tracing, loop)
            trace_logger.warning("A request was not traced: its loop was about to be watched, or no longer. Ask again.")
        elif scope["type"] == "http" and site_monitor.is_request_sampled():
            monitor.trace_request(asyncio.get_running_loop(), RequestTracing(request), calls_next)
    except Exception as error:  # noqa: BLE001 - the request is served whatever is wrong with us
        _complain(error)
    return None


def _threshold_ms(headers: Iterable[Iterable[bytes]]) -> float | None:
    for name, value in headers:
        if name == _NAME:
            return threshold_ms_of(value.decode("latin-1"))
    return None


class TraceOnDemand:
    """The trace of one request that has asked for it."""

    def __init__(self, tracing: RequestTracing, loop: asyncio.AbstractEventLoop) -> None:
        self._tracing = tracing
        self._loop = loop

    def answering(self, send: Send) -> Send:
        """``send``, with figures and calls added to the headers of the response."""

        async def send_with_figures(message: Message) -> None:
            await send(await self._with_figures(message) if message["type"] == "http.response.start" else message)

        return send_with_figures

    def finish(self) -> None:
        """The request is over: log what it did, once its last step has ended."""
        try:
            self._loop.call_soon(self._loop.run_in_executor, None, self._log)
        except RuntimeError as error:  # the loop is closed
            _complain(error)

    async def _with_figures(self, message: Message) -> Message:
        try:
            figures = self._tracing.figures()
            # The step that asks goes on until something is awaited; then it has ended, and its calls can be named. In a
            # context of its own, the task that does so is no part of the request.
            calls = await self._loop.create_task(self._settled_calls(), context=Context())
            headers = appended(message.get("headers") or (), b"server-timing", server_timing(figures, calls))
            # Nobody else is to be shown it from a cache.
            return {**message, "headers": uncached(headers)}
        except Exception as error:  # noqa: BLE001 - the request is served whatever is wrong with us
            _complain(error)
            return message

    async def _settled_calls(self) -> list[BlockingCall]:
        try:
            return await asyncio.wait_for(self._loop.run_in_executor(None, self._calls), 2 * SETTLE_TIMEOUT_S)
        except TimeoutError:
            return []  # the log will tell them

    def _calls(self) -> list[BlockingCall]:
        """The calls so far, as ``REDACT`` lets them be told. On a thread."""
        monitor.settle(SETTLE_TIMEOUT_S)
        told = (_redacted(call) for call in list(self._tracing.calls))
        return [call for call in told if call is not None]

    def _log(self) -> None:
        try:
            calls = self._calls()
            name, figures, left_out = self._name(), self._tracing.figures(), self._tracing.calls_dropped
            more = f", and {left_out} more that were not kept" if left_out else ""
            trace_logger.info("Traced %s: %s; %d calls%s", name, _times(figures), len(calls), more)
            for call in calls:
                trace_logger.info("Traced %s: %s", name, _line(call))
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread
            _complain(error)

    def _name(self) -> str:
        if configuration().redact is not None:
            return "a request"  # it may not be everybody's to know which
        request = self._tracing.request.describe()
        return log_text(f"{requests.method(request)} {request.consumer or request.route}", 300)


def _redacted(call: BlockingCall) -> BlockingCall | None:
    """What ``REDACT`` lets be told of a call; nothing, if it does not answer properly."""
    redact = configuration().redact
    if redact is None or call.cause.is_machine:  # of the machine's doings, no name is told
        return call
    try:
        redacted = redact(call)
    except Exception as error:  # noqa: BLE001 - the site's own code
        if (errors := site_monitor.errors()) is not None:
            errors.log_foreign("redact", error)
        return None
    return redacted if isinstance(redacted, BlockingCall) else None


def _times(figures: Figures) -> str:
    return (
        f"{figures.loop_ms:.1f} ms on the event loop, {figures.blocked_ms:.1f} ms of that in stalls, "
        f"{figures.waiting_ms:.1f} ms waiting for stalls of others"
    )


def _line(call: BlockingCall) -> str:
    if call.cause.is_machine:
        return f"stood still for {call.step_ms:.1f} ms, and no call is to blame: {call.cause}"
    where = f" ({shorten(call.filename)}:{call.lineno})" if call.filename else ""
    line = f"{call.method_name} took {call.duration_ms:.1f} ms of {call.step_ms:.1f} in {call.function}{where}"
    return log_text(line, 1000)


def _complain(error: Exception) -> None:
    if (errors := site_monitor.errors()) is not None:
        errors.log_once("tracing", error, "A request could not be traced.")
