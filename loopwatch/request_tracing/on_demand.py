"""Adds the figures of a trace to the response of a request with a token, and logs its calls afterwards."""

import asyncio
from contextvars import Context

from loopwatch import site_monitor
from loopwatch.asgi_types import Message, Send
from loopwatch.conf import configuration
from loopwatch.detection import monitor
from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.tracing.traced_requests import Figures, RequestTracing
from loopwatch.request_tracing.response_headers import appended, uncached
from loopwatch.request_tracing.server_timing import server_timing
from loopwatch.request_tracing.trace_log import log_trace

SETTLE_TIMEOUT_S = 1.0


class TraceOnDemand:
    """The trace of one request that carries a token."""

    def __init__(self, tracing: RequestTracing, loop: asyncio.AbstractEventLoop) -> None:
        self._tracing = tracing
        self._loop = loop

    def answering(self, send: Send) -> Send:
        """Return ``send`` with figures and calls added to the headers of the response."""

        async def send_with_figures(message: Message) -> None:
            await send(await self._with_figures(message) if message["type"] == "http.response.start" else message)

        return send_with_figures

    def finish(self) -> None:
        """Log the calls of the request, which is over, once its last step has ended."""
        try:
            self._loop.call_soon(self._loop.run_in_executor, None, self._log)
        except RuntimeError as error:  # the loop is closed
            log_failure(error)

    async def _with_figures(self, message: Message) -> Message:
        try:
            figures, calls = await self.settled()
            headers = appended(message.get("headers") or (), b"server-timing", server_timing(figures, calls))
            return {**message, "headers": uncached(headers)}  # a cache would show the figures to others
        except Exception as error:  # noqa: BLE001 - the request must be answered even if loopwatch fails
            log_failure(error)
            return message

    async def settled(self) -> tuple[Figures, list[BlockingCall]]:
        """Return the figures and the calls up to now."""
        figures = self._tracing.figures()
        # Awaiting ends the current step, whose calls can be named only then. The empty context keeps the task that
        # does so out of the request.
        return figures, await self._loop.create_task(self._settled_calls(), context=Context())

    async def _settled_calls(self) -> list[BlockingCall]:
        try:
            return await asyncio.wait_for(self._loop.run_in_executor(None, self._calls), 2 * SETTLE_TIMEOUT_S)
        except TimeoutError:
            return []  # the log will have them

    def _calls(self) -> list[BlockingCall]:
        """Return the calls so far, as ``REDACT`` changes them. Runs on a thread."""
        monitor.settle(SETTLE_TIMEOUT_S)
        redacted = (_redacted(call) for call in list(self._tracing.calls))
        return [call for call in redacted if call is not None]

    def _log(self) -> None:
        try:
            log_trace(self._tracing, self._calls(), is_anonymous=configuration().redact is not None)
        except Exception as error:  # noqa: BLE001 - an executor keeps the exception in a future that is never read
            log_failure(error)


def _redacted(call: BlockingCall) -> BlockingCall | None:
    """Return what ``REDACT`` makes of a call; ``None`` if it withholds the call, raises or returns the wrong type."""
    redact = configuration().redact
    if redact is None or call.cause.is_machine:  # a machine stall names no code
        return call
    try:
        redacted = redact(call)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the site's own code, which must not end the server
        if (errors := site_monitor.errors()) is not None:
            errors.log_foreign("redact", error)
        return None
    return redacted if isinstance(redacted, BlockingCall) else None


def log_failure(error: Exception) -> None:
    """Count a failure of loopwatch to trace a request, and log it once."""
    if (errors := site_monitor.errors()) is not None:
        errors.log_once("tracing", error, "A request could not be traced.")
