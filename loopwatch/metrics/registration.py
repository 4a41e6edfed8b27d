"""Offers OpenTelemetry's sink to recorders, and the finder of spans to detection, as far as the API is available."""

from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING

from loopwatch.detection.loggers import logger_of
from loopwatch.metrics.availability import REMEDY, SINK, is_available
from loopwatch.recorder.sink import Sink, register_sink

if TYPE_CHECKING:
    from loopwatch.recorder.health import Errors
    from loopwatch.recorder.loop_times import LoopTimes

logger = logger_of()


def register_metrics_sink() -> None:
    """Register the sink "metrics"."""
    register_sink(SINK, _new_sink)


def span_finder() -> Callable[[Context], object | None] | None:
    """Return a function that finds the current span of a context; ``None`` without OpenTelemetry."""
    if not is_available():
        return None
    try:
        from loopwatch.metrics.spans import span_in  # noqa: PLC0415 - imports OpenTelemetry
    except Exception:  # noqa: BLE001 - the sink has reported what is wrong with it
        return None
    return span_in


def _new_sink(_errors: "Errors", loop_times: "LoopTimes") -> Sink | None:
    if not is_available():
        return None
    try:
        from loopwatch.metrics.metrics_sink import MetricsSink  # noqa: PLC0415 - imports OpenTelemetry

        return MetricsSink(loop_times)
    except Exception as error:  # noqa: BLE001 - a version that is too old, or an SDK that fails
        logger.error("Stalls are not reported to OpenTelemetry: %r. %s.", error, REMEDY)  # noqa: TRY400
        return None
