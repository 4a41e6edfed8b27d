"""Finds out whether loops can be watched in this process: tools may have replaced what detection relies on."""

import threading
from types import BuiltinFunctionType

from loopwatch.detection.machine.clock import now

LOOKS_AT_CLOCK = 10_000
"""A clock of any resolution advances within so many looks."""


def why_not_watched() -> str:
    """Return the reason why loops cannot be watched, as the end of a sentence; empty if they can."""
    # gevent and eventlet replace get_ident by a function that identifies greenlets. Then there is no real thread to
    # look from, and no real thread to look at.
    if not isinstance(threading.get_ident, BuiltinFunctionType):
        by = threading.get_ident.__module__.partition(".")[0]
        return f"{by} has replaced Python's threads by its own"
    first = now()
    if all(now() == first for _ in range(LOOKS_AT_CLOCK)):
        return "time.perf_counter stands still"
    return ""
