"""The tracer for this version of Python. Imported at once: a traced request must not wait for it."""

import sys

if sys.version_info >= (3, 12):
    from loopwatch.detection.tracing.by_monitoring import MonitoringTracer as BestTracer
else:
    from loopwatch.detection.tracing.by_profile import ProfileTracer as BestTracer

__all__ = ["BestTracer"]
