"""How long the watchdog waited for the GIL, which tells what the loop's thread was doing.

A call that waits or computes without the GIL lets the watchdog in at once. Python code hands the GIL over one switch
interval (5 ms) after it is asked. A C call that keeps the GIL lets nobody in until it returns, and then the watchdog is
the first in: unless other threads compete for it.
"""

import sys
import time
from dataclasses import dataclass
from enum import Enum, auto

from loopwatch.detection.cpu_clocks import CpuReading

CROWDED = 0.25
"""From this load of the other threads on, one of them may well have had the GIL before the watchdog."""
LOAD_WINDOW_S = 0.25
OWN_WORK_S = 0.001
SCHEDULING_S = 0.003
NOTEWORTHY = 0.2
"""The part of the threshold for which a call must have kept the GIL to be seen by that."""
NEGLIGIBLE_S = 0.0002
"""Less than any thread uses that wakes up, asks for the GIL and does something."""


class GilWait(Enum):
    """What the watchdog's wait for the GIL says."""

    NONE = auto()
    """The GIL was free: the loop's thread waits, or computes without it."""
    INTERVAL = auto()
    """Handed over when asked: some thread runs Python code, or C calls too short to matter."""
    LONG = auto()
    """Kept for much longer than asked: the loop's thread was inside one operation that keeps the GIL."""
    CONTESTED = auto()
    """As ``LONG``, but another thread may have come first, and the loop's thread may have gone a little further."""
    SHARED = auto()
    """Other threads had it too, for long: the loop's thread may be anywhere."""


class OtherThreads:
    """How busy the other threads of the process have been lately, in CPUs."""

    def __init__(self, since: CpuReading) -> None:
        self._since = since
        self.load = 0.0

    def note(self, reading: CpuReading) -> None:
        elapsed_s = reading.at - self._since.at
        if elapsed_s >= LOAD_WINDOW_S:
            self.load = others_s(self._since, reading) / elapsed_s
            self._since = reading


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the watchdog knew before it had the GIL: when the sample was due, and since when it has been asking.

    ``own_cpu_s`` and ``before`` are the CPU clocks until then, ``others_load`` tells how busy other threads were.
    """

    at: float
    asked_at: float
    own_cpu_s: float
    before: CpuReading
    others_load: float
    threshold_s: float

    def gil_wait(self, taken_at: float, cpu: CpuReading, step_started: float) -> GilWait:
        own_s = time.thread_time() - self.own_cpu_s
        waited_s = taken_at - self.asked_at - own_s
        interval_s = sys.getswitchinterval()
        if waited_s < 0.6 * interval_s:
            # Where the watchdog itself has kept the GIL for a while, the loop's thread may just be waiting for it.
            return GilWait.NONE if own_s < OWN_WORK_S else GilWait.INTERVAL
        # The machine's own scheduling adds a few milliseconds; a call that matters keeps the GIL for longer.
        if waited_s < interval_s + max(SCHEDULING_S, NOTEWORTHY * self.threshold_s):
            return GilWait.INTERVAL
        busy_s = others_s(self.before, cpu) - own_s
        if busy_s < NEGLIGIBLE_S:
            return GilWait.LONG
        shared = busy_s > 0.4 * interval_s and self._was_shared(cpu, own_s, step_started, 0.4 * interval_s)
        return GilWait.SHARED if shared else GilWait.CONTESTED

    def _was_shared(self, cpu: CpuReading, own_s: float, step_started: float, enough_s: float) -> bool:
        """Whether the loop's thread has been off the CPU for long since the step began."""
        idle_s = cpu.at - self.before.at - ((cpu.thread_s or 0.0) - (self.before.thread_s or 0.0)) - own_s
        # They may have run before the step, while the loop rested; threads that always run have no such excuse.
        before_step_s = 0.0 if self.others_load >= CROWDED else max(0.0, step_started - self.before.at)
        return idle_s - before_step_s > enough_s


def others_s(before: CpuReading, after: CpuReading) -> float:
    """CPU seconds that threads other than the loop's have used; 0 where that cannot be known."""
    if before.thread_s is None or after.thread_s is None:
        return 0.0
    return (after.process_s - before.process_s) - (after.thread_s - before.thread_s)
