"""Chooses the form of the hot path: compiled, where the build found a compiler, or else in Python.

With the environment variable ``LOOPWATCH_PURE_PYTHON``, the form in Python is used, and a build compiles nothing.
"""

import os
from contextlib import suppress

from loopwatch.detection.timing.timed_callback import TimedCallback, schedules_soon, timed

IS_COMPILED = False

if not os.environ.get("LOOPWATCH_PURE_PYTHON"):
    with suppress(ImportError):
        from loopwatch.detection.timing.compiled import TimedCallback, schedules_soon, timed

        IS_COMPILED = True

__all__ = ["IS_COMPILED", "TimedCallback", "schedules_soon", "timed"]
