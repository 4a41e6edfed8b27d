"""How busy a loop is: for how long it ran steps. Asked on the watchdog's thread alone, and free for the loop's.

It is the CPU time of the loop's thread and, where the platform tells, the time for which it wanted a CPU and had none.
Of a stall all time counts, whatever the call did: waiting keeps the loop from others as computing does. A call that
waits for less than the threshold is not seen.
"""

from collections.abc import Callable

from loopwatch.detection.calls import LoopUsage
from loopwatch.detection.machine.clock import utc_of
from loopwatch.detection.machine.cpu_clocks import CpuReading, RunDelay

INTERVAL_S = 1.0
"""The shortest stretch of time that is told of, but for stalls; and the shortest rest that belongs to none."""


class UsageMeter:
    """Of one loop. ``tell`` gets one stretch of time after the other; longer rests in between belong to none.

    Each method is given what the clocks say now, and the thread's ``delay``.
    """

    __slots__ = ("_delay_s", "_last", "_rested", "tell")

    def __init__(self, reading: CpuReading, delay: RunDelay) -> None:
        self.tell: Callable[[LoopUsage], object] | None = None
        self._last = reading
        self._delay_s = delay.read_s() or 0.0
        self._rested: CpuReading | None = None
        """When the loop came to rest, if it does."""

    def step(self, started: float, reading: CpuReading, delay: RunDelay) -> None:
        """The step that began at ``started`` is running, or has run."""
        rested, self._rested = self._rested, None
        if rested is not None and started - rested.at >= INTERVAL_S:
            self._tell_until(rested, delay)
            self._last = rested._replace(at=started)
        if reading.at - self._last.at >= INTERVAL_S:
            self._tell_until(reading, delay)

    def rests(self, reading: CpuReading, delay: RunDelay) -> None:
        """The loop has nothing to do. Servers wake it several times a second, so this had better be cheap."""
        if reading.at - self._last.at >= INTERVAL_S:
            self._tell_until(reading, delay)
        self._rested = reading

    def stalled(self, started: float, ended: float, before: CpuReading, after: CpuReading, delay: RunDelay) -> None:
        """A step has lasted too long, or does so still; ``before`` was read when it had hardly begun."""
        began = max(started, self._last.at)
        if ended > began:
            cpu_s = _cpu_s(self._last, before)
            self._tell(ended, None if cpu_s is None else cpu_s + ended - began)
            self._last = after._replace(at=ended)
            self._delay_s = delay.read_s() or 0.0  # part of the stall

    def _tell_until(self, reading: CpuReading, delay: RunDelay) -> None:
        cpu_s, before_s = _cpu_s(self._last, reading), self._delay_s
        self._delay_s = delay.read_s() or 0.0
        self._tell(reading.at, None if cpu_s is None else cpu_s + max(0.0, self._delay_s - before_s))
        self._last = reading

    def _tell(self, until: float, busy_s: float | None) -> None:
        lasted_s = until - self._last.at
        if self.tell is not None and lasted_s > 0:
            self.tell(LoopUsage(utc_of(until), lasted_s, None if busy_s is None else min(busy_s, lasted_s)))


def _cpu_s(before: CpuReading, after: CpuReading) -> float | None:
    if before.thread_s is None or after.thread_s is None:
        return None
    return max(0.0, after.thread_s - before.thread_s)
