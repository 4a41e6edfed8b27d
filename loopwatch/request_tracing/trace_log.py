"""Writes the trace of a request to the logger ``loopwatch.trace``."""

from collections.abc import Iterable

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.tracing.traced_requests import Figures, RequestTracing
from loopwatch.escaping.log import log_text
from loopwatch.recorder import request_columns
from loopwatch.recorder.paths import shorten

logger = logger_of("trace")


def log_trace(tracing: RequestTracing, calls: Iterable[BlockingCall], *, is_anonymous: bool) -> None:
    """Log the figures of a request that is over, and its calls; without its name if that may be secret."""
    calls, dropped = list(calls), tracing.calls_dropped
    name = "a request" if is_anonymous else _name(tracing)
    more = f", and {dropped} more that were not kept" if dropped else ""
    logger.info("Traced %s: %s; %d calls%s", name, figures_line(tracing.figures()), len(calls), more)
    for call in calls:
        logger.info("Traced %s: %s", name, call_line(call))


def figures_line(figures: Figures) -> str:
    """Describe where the time of a request went."""
    return (
        f"{figures.loop_ms:.1f} ms on the event loop, {figures.blocked_ms:.1f} ms of that in stalls, "
        f"{figures.waiting_ms:.1f} ms waiting for stalls of others"
    )


def call_line(call: BlockingCall) -> str:
    """Describe one call of a request."""
    if call.cause.is_machine:
        return f"stood still for {call.step_ms:.1f} ms, and no call is to blame: {call.cause_in_words}"
    where = f" ({shorten(call.filename)}:{call.lineno})" if call.filename else ""
    line = f"{call.headline} took {call.duration_ms:.1f} ms of {call.step_ms:.1f} in {call.function}{where}"
    return log_text(line, 1000)


def _name(tracing: RequestTracing) -> str:
    request = tracing.request.describe()
    return log_text(f"{request_columns.method(request)} {request.consumer or request.route}", 300)
