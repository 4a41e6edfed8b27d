"""OpenTelemetry: stalls as metrics and in traces, through its API alone, which does nothing without an SDK.

``is_available`` costs nothing and imports nothing; everything else of this room imports the API, and is imported
only where that may take its time.
"""

import logging
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from loopwatch.recording.sink import Sink, register_sink

if TYPE_CHECKING:
    from loopwatch.recording.health import Errors
    from loopwatch.recording.loop_times import LoopTimes

SINK = "metrics"
REMEDY = "Install opentelemetry-api 1.30 or newer: pip install loopwatch[opentelemetry]"

logger = logging.getLogger("loopwatch")


def is_available() -> bool:
    """Whether OpenTelemetry's API is installed."""
    try:
        return find_spec("opentelemetry.metrics") is not None
    except (ImportError, ValueError):  # another package of that name, or half of this one
        return False


def prepare() -> None:
    """Import the API while nobody waits: the first request would, on the loop's thread."""
    if is_available():
        with suppress(Exception):  # told when it is wanted
            import_module("loopwatch.metrics.metrics_sink")


def register() -> None:
    """Register the sink "metrics"."""
    register_sink(SINK, _new_sink)


def _new_sink(_errors: "Errors", loop_times: "LoopTimes") -> Sink | None:
    if not is_available():
        return None
    try:
        from loopwatch.metrics.metrics_sink import MetricsSink  # noqa: PLC0415 - imports OpenTelemetry

        return MetricsSink(loop_times)
    except Exception as error:  # noqa: BLE001 - a version that is too old, or an SDK that fails
        logger.error("Stalls are not reported to OpenTelemetry: %r. %s.", error, REMEDY)  # noqa: TRY400
        return None
