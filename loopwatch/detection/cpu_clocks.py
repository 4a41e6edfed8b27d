"""How much CPU time the loop's thread and the process have used, and how long a thread was kept from a CPU."""

import contextlib
import os
import time
import weakref
from typing import NamedTuple

from loopwatch.detection.reading import Read, reader


class CpuReading(NamedTuple):
    """CPU seconds used up to ``at``: by the loop's thread (``None`` if unknown), the watchdog's, and all."""

    at: float
    thread_s: float | None
    watchdog_s: float
    process_s: float


def others_s(before: CpuReading, after: CpuReading) -> float:
    """CPU seconds that neither the loop's thread nor the watchdog has used; 0 where that cannot be known."""
    if before.thread_s is None or after.thread_s is None:
        return 0.0
    own_s = after.thread_s - before.thread_s + after.watchdog_s - before.watchdog_s
    return after.process_s - before.process_s - own_s


process_s = time.process_time
"""CPU seconds that the whole process has used, the watchdog among it."""


def cpu_clock_id(thread_id: int) -> int | None:
    """The CPU clock of a thread that is alive; ``None`` on platforms without one."""
    return time.pthread_getcpuclockid(thread_id) if hasattr(time, "pthread_getcpuclockid") else None


class RunDelay:
    """How long a thread has been ready to run while others had the CPUs, by its native id.

    The second field of a thread's ``schedstat``, in nanoseconds (Linux: Documentation/scheduler/sched-stats.rst). What
    the thread waits at this moment is not in it yet.
    """

    def __init__(self, native_id: int) -> None:
        self._read: Read | None = None
        with contextlib.suppress(OSError):
            file = os.open(f"/proc/self/task/{native_id}/schedstat", os.O_RDONLY)
            weakref.finalize(self, os.close, file)
            self._read = reader(file)

    def read_s(self) -> float | None:
        """Seconds so far; ``None`` where that cannot be known."""
        if self._read is None:
            return None
        try:
            return int(self._read().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return None


class Delays:
    """How long the loop's thread and the watchdog's have been kept from a CPU since this was made; 0 where unknown.

    For the loop's, since ``loop_before_s`` was read, where it was read before.
    """

    def __init__(self, loop: RunDelay, watchdog: RunDelay, loop_before_s: float | None = None) -> None:
        self._loop, self._watchdog = loop, watchdog
        self.loop_before_s = loop.read_s() if loop_before_s is None else loop_before_s
        self._watchdog_before_s = watchdog.read_s()

    def loop_s(self) -> float:
        return _since(self.loop_before_s, self._loop.read_s())

    def watchdog_s(self) -> float:
        return _since(self._watchdog_before_s, self._watchdog.read_s())


def _since(before_s: float | None, now_s: float | None) -> float:
    return 0.0 if before_s is None or now_s is None else now_s - before_s
