"""Adds a stall to its step's current span: as an event, or as a child if the span has ended."""

from contextvars import Context
from datetime import datetime

from opentelemetry import trace
from opentelemetry.util.types import Attributes

from loopwatch._version import __version__
from loopwatch.detection.calls import BlockingCall

NAME = "event loop blocked"


def span_in(context: Context) -> trace.Span | None:
    """Return the current span of a context in which no code runs; ``None`` if it has none. Never raises."""
    try:
        span = context.run(trace.get_current_span)
        return span if span.get_span_context().is_valid else None
    except Exception:  # noqa: BLE001 - the watchdog calls this, and an SDK may raise anything
        return None


def add_to_span(span: trace.Span, call: BlockingCall, attributes: Attributes) -> None:
    """Add the stall to the span, which has often ended: a request may end in the very step that blocked."""
    began = _nanoseconds(call.started_at)
    if span.is_recording():
        span.add_event(NAME, attributes, began)
        return
    context = trace.set_span_in_context(span)
    tracer = trace.get_tracer("loopwatch", __version__)
    child = tracer.start_span(NAME, context, attributes=attributes, start_time=began)
    child.end(began + round(call.step_ms * 1_000_000))


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1_000
