"""Whether loops can be watched in this process at all: tools may have replaced what detection stands on."""

import threading
from types import BuiltinFunctionType

from loopwatch.detection.machine.clock import now

LOOKS_AT_CLOCK = 10_000
"""A clock of any resolution goes on within so many looks."""


def why_not_watched() -> str:
    """The reason, as the end of a sentence; empty if there is none."""
    # gevent and eventlet replace it by functions of their own, whose answers are no threads of the system: there is no
    # thread to look from, and none that could be looked at.
    if not isinstance(threading.get_ident, BuiltinFunctionType):
        by = threading.get_ident.__module__.partition(".")[0]
        return f"{by} has replaced Python's threads by its own"
    first = now()
    if all(now() == first for _ in range(LOOKS_AT_CLOCK)):
        return "time.perf_counter, which something has replaced, stands still"
    return ""
