"""Chooses the tracer for this version of Python. It is imported eagerly, so that no traced request waits for it."""

import sys

from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.tracing.tracer import Tracer, TracingUnavailableError

if sys.version_info >= (3, 12):
    from loopwatch.detection.tracing.by_monitoring import MonitoringTracer as BestTracer
else:
    from loopwatch.detection.tracing.by_profile import ProfileTracer as BestTracer


def best_tracer() -> Tracer:
    """Make a tracer. Raises ``TracingUnavailableError`` while the GIL is off."""
    if not is_gil_enabled():
        raise TracingUnavailableError(
            "Tracing needs the GIL, which is off in this process. "
            'Start Python with PYTHON_GIL=1, or use engine="sampling"'
        )
    return BestTracer()
