"""Interprets the watchdog's wait for the GIL, which shows what the loop's thread was doing.

A call that waits, or computes without the GIL, lets the watchdog in immediately. Python code hands the GIL over one
switch interval (5 ms) after it is asked. A C call that keeps the GIL lets no thread in until it returns, and then the
watchdog is the first in, unless other threads compete for the GIL.
"""

import sys
from dataclasses import dataclass
from enum import Enum, auto

from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.machine.cpu_clocks import CpuReading, Delays, Turns, others_s

CROWDED = 0.25
"""With at least this load, another thread may well have had the GIL before the watchdog."""
LOAD_WINDOW_S = 0.25
OWN_WORK_S = 0.001
SCHEDULING_S = 0.003
PUNCTUAL_S = 0.0005
NOTEWORTHY = 0.2
"""A call is recognized by keeping the GIL if it does so for this fraction of the threshold."""
ASKING = 0.5
"""A thread was asking for the GIL if it woke up in at least this share of the switch intervals."""
MOSTLY = 0.8
NEGLIGIBLE_S = 0.0002
"""A thread that wakes up, takes the GIL and does anything uses more CPU time than this."""


class GilWait(Enum):
    """The meaning of the watchdog's wait for the GIL."""

    NONE = auto()
    """The GIL was free: the loop's thread waits, or computes without the GIL."""
    INTERVAL = auto()
    """The GIL was handed over when asked for: some thread runs Python code, or short C calls."""
    PASSED_ON = auto()
    """As ``INTERVAL``, but other threads ran, too: the loop's thread may be in a call that leaves the GIL to them."""
    LONG = auto()
    """The GIL was kept for much longer: the loop's thread was inside one operation that keeps it."""
    CONTESTED = auto()
    """As ``LONG``, but the loop's thread may have gone a little further: another thread came first, or the watchdog had
    to wait for a CPU."""
    SHARED = auto()
    """Other threads had the GIL for long: the loop's thread may be anywhere."""
    SEEN = auto()
    """The lookout saw the loop's thread keep the GIL, at the place that the sample shows."""


class OtherThreads:
    """The recent load of the other threads of the process, in CPUs."""

    def __init__(self, since: CpuReading) -> None:
        self._since = since
        self.load = 0.0

    def note(self, reading: CpuReading) -> None:
        elapsed_s = reading.at - self._since.at
        if elapsed_s >= LOAD_WINDOW_S:
            self.load = others_s(self._since, reading) / elapsed_s
            self._since = reading


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A sample to be taken: when it is due, and since when the watchdog has asked for the GIL.

    ``due_at`` is the moment when the watchdog was to look and had nothing else to do, and ``at`` the later one of
    ``due_at`` and ``asked_at``. ``before`` is an earlier reading, and ``others_load`` the load of the other threads.
    """

    due_at: float
    at: float
    asked_at: float
    before: CpuReading
    others_load: float
    threshold_s: float
    delays: Delays | None

    def gil_wait(self, taken_at: float, cpu: CpuReading, step_started: float) -> GilWait:
        if not is_gil_enabled():
            return GilWait.NONE
        own_s, busy_s = cpu.watchdog_s - self.before.watchdog_s, others_s(self.before, cpu)
        waited_s = taken_at - self.asked_at - own_s
        interval_s = sys.getswitchinterval()
        if waited_s < 0.6 * interval_s:
            # If the watchdog itself had the GIL for a while, the loop's thread may be waiting for it.
            return GilWait.NONE if own_s < OWN_WORK_S else GilWait.CONTESTED
        # Scheduling adds a few milliseconds; a call that matters keeps the GIL for longer.
        long_s = interval_s + max(SCHEDULING_S, NOTEWORTHY * self.threshold_s)
        if waited_s < long_s:
            # The wait was no switch interval: the GIL may have been free while no CPU was.
            is_doubtful = abs(waited_s - interval_s) > PUNCTUAL_S and self._watchdog_delayed_s() > PUNCTUAL_S
            if is_doubtful:
                return GilWait.CONTESTED
            return GilWait.PASSED_ON if busy_s > 0.4 * interval_s else GilWait.INTERVAL
        if busy_s < NEGLIGIBLE_S:
            return GilWait.LONG if waited_s - self._delayed_s() >= long_s else GilWait.CONTESTED
        shared = busy_s > 0.4 * interval_s and self._was_shared(cpu, own_s, step_started, 0.4 * interval_s)
        return GilWait.SHARED if shared else GilWait.CONTESTED

    def loop_turns(self, cpu: CpuReading) -> Turns | None:
        """Return the turns of the loop's thread; ``None`` if unknown, or if it had a CPU most of the time."""
        if self.delays is None or cpu.thread_s is None or self.before.thread_s is None:
            return None
        # Reading may release the GIL (``proc_files``), and taking it back takes long while the loop computes.
        was_busy = cpu.thread_s - self.before.thread_s >= MOSTLY * (cpu.at - self.before.at)
        return None if was_busy else self.delays.loop_turns()

    def _watchdog_delayed_s(self) -> float:
        return 0.0 if self.delays is None else self.delays.watchdog_s()

    def _delayed_s(self) -> float:
        """Return how long the thread that had the GIL, or the watchdog, may have waited for a CPU meanwhile."""
        return 0.0 if self.delays is None else self.delays.loop_s() + self.delays.watchdog_s()

    def _was_shared(self, cpu: CpuReading, own_s: float, step_started: float, enough_s: float) -> bool:
        """Return whether the loop's thread left the CPU for long since the step began, though one was free."""
        idle_s = cpu.at - self.before.at - ((cpu.thread_s or 0.0) - (self.before.thread_s or 0.0)) - own_s
        # Other threads may have run before the step, while the loop rested, unless they run all the time.
        before_step_s = 0.0 if self.others_load >= CROWDED else max(0.0, step_started - self.before.at)
        delayed_s = 0.0 if self.delays is None else self.delays.loop_s()
        return idle_s - before_step_s - delayed_s > enough_s
