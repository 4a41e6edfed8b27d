"""Starts the trace of a request that has just begun, if its header or chance asks for it."""

import asyncio
from collections.abc import Iterable

from loopwatch import site_monitor
from loopwatch.asgi_types import Scope
from loopwatch.detection import monitor
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.timing.in_flight import RequestInFlight
from loopwatch.detection.tracing.traced_requests import RequestTracing
from loopwatch.request_tracing.on_demand import TraceOnDemand, log_failure
from loopwatch.request_tracing.trace_token import threshold_ms_of

HEADER = "X-Loopwatch-Trace"
_HEADER_NAME = HEADER.lower().encode()

logger = logger_of("trace")


def carries_header(scope: Scope) -> bool:
    """Return whether a request carries the header, valid or not. Called on the loop's thread for every request."""
    try:
        for name, _ in _headers(scope):
            if name == _HEADER_NAME:
                return True
    except Exception:  # noqa: BLE001 - headers that cannot be read carry no token
        return False
    return False


def start_trace(scope: Scope, request: RequestInFlight, calls_next: Iterable[object]) -> TraceOnDemand | None:
    """Trace the request if its token is valid or chance selects it; return the trace of one with a token.

    ``calls_next`` are the functions that loopwatch itself will call for the request. Runs on the loop's thread, and
    never raises.
    """
    try:
        threshold_ms = _threshold_ms(_headers(scope))
        if threshold_ms is not None:
            loop, tracing = asyncio.get_running_loop(), RequestTracing(request, threshold_ms / 1000)
            if monitor.trace_request(loop, tracing, calls_next):
                return TraceOnDemand(tracing, loop)
            logger.warning("A request was not traced, because its loop is not watched at the moment. Ask again.")
        elif scope["type"] == "http" and site_monitor.is_request_sampled():
            monitor.trace_request(asyncio.get_running_loop(), RequestTracing(request), calls_next)
    except Exception as error:  # noqa: BLE001 - the request must be served even if loopwatch fails
        log_failure(error)
    return None


def _headers(scope: Scope) -> Iterable[Iterable[bytes]]:
    """Return the headers; none if they are an iterator, from which the site could not read them again."""
    headers: Iterable[Iterable[bytes]] = scope.get("headers") or ()
    return () if iter(headers) is headers else headers


def _threshold_ms(headers: Iterable[Iterable[bytes]]) -> float | None:
    for name, value in headers:
        if name == _HEADER_NAME:
            return threshold_ms_of(value.decode("latin-1"))
    return None
