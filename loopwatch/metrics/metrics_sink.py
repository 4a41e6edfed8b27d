"""The sink that reports every stall to OpenTelemetry, on a thread of loopwatch."""

from typing import TYPE_CHECKING

from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

from loopwatch.detection.calls import BlockingCall
from loopwatch.metrics.attributes import Attributes, BoundedAttributes
from loopwatch.metrics.availability import SINK
from loopwatch.metrics.instruments import gauges, instruments
from loopwatch.metrics.spans import add_to_span
from loopwatch.recorder.column_values import milliseconds, path_text, text
from loopwatch.recorder.paths import shorten
from loopwatch.recorder.sink import Sink
from loopwatch.recorder.stall_counter import StallCounter

if TYPE_CHECKING:
    from loopwatch.recorder.loop_times import LoopTimes


class MetricsSink(Sink):
    """Counts a stall at its first report, and its duration when it has ended."""

    name = SINK

    def __init__(self, loop_times: "LoopTimes") -> None:
        gauges.read(loop_times)
        self._instruments = instruments()
        self._stall_counter = StallCounter()
        self._attributes = BoundedAttributes()

    def emit(self, call: BlockingCall) -> None:
        """Add the call to the metrics and to its trace. Raises what the SDK raises."""
        attributes = self._attributes.of(call)
        _, added = self._stall_counter.count(call)
        counters = self._instruments
        if added.impact.events:
            counters.stalls.add(added.impact.events, attributes)
        if added.impact.requests_delayed:
            counters.requests_delayed.add(added.impact.requests_delayed, attributes)
        if added.impact.requests_kept_out:
            counters.requests_kept_out.add(added.impact.requests_kept_out, attributes)
        if call.ongoing:
            return
        counters.stall_duration.record(call.duration_ms / 1000, attributes)
        if call.waiting:
            counters.delay.record(call.waiting * call.duration_ms / 1000, attributes)
        if call.kept_out.count:
            counters.kept_out.record(call.kept_out.waited_ms / 1000, attributes)
        if isinstance(call.otel_span, Span):
            add_to_span(call.otel_span, call, _details(call, attributes))


def _details(call: BlockingCall, attributes: Attributes) -> dict[str, AttributeValue]:
    """Return the attributes of a span, which may be longer than those of a metric: they make no time series."""
    return {
        **attributes,
        "loopwatch.blocking_call": text(call.headline, 300),
        "code.function.name": text(call.function, 300),
        "code.file.path": path_text(shorten(call.filename), 500),
        "code.line.number": call.lineno,
        "loopwatch.duration_ms": milliseconds(call.duration_ms),
        "loopwatch.requests_delayed": call.waiting,
        "loopwatch.requests_kept_out": call.kept_out.count,
        "loopwatch.stall_id": call.stall_id,
    }
