"""Measures how busy a loop is: how long it ran steps. Runs on the watchdog's thread, and costs the loop's nothing.

A loop is busy while its thread uses a CPU and, where the platform says so, while the thread waits for one. A stall is
busy time as a whole, because a call that waits blocks the loop like a call that computes. Waiting for less than the
threshold is not seen.
"""

from collections.abc import Callable

from loopwatch.detection.calls import LoopUsage
from loopwatch.detection.machine.clock import utc_of
from loopwatch.detection.machine.cpu_clocks import CpuReading, RunDelay

INTERVAL_S = 1.0
"""The shortest interval that is reported, except for stalls; and the shortest rest that ends an interval."""


class UsageMeter:
    """The busy time of one loop. ``report`` is called with consecutive intervals; long rests between them are skipped.

    Every method takes the present reading of the clocks, and the run delay of the loop's thread.
    """

    __slots__ = ("_delay_s", "_last", "_rested", "report")

    def __init__(self, reading: CpuReading, delay: RunDelay) -> None:
        self.report: Callable[[LoopUsage], object] | None = None
        self._last = reading
        self._delay_s = delay.read_s() or 0.0
        self._rested: CpuReading | None = None
        """The reading from when the loop came to rest, while it rests."""

    def step(self, started: float, reading: CpuReading, delay: RunDelay) -> None:
        """Note that the step that began at ``started`` is running, or has run."""
        rested, self._rested = self._rested, None
        if rested is not None and started - rested.at >= INTERVAL_S:
            self._report_until(rested, delay)
            self._last = rested._replace(at=started)
        if reading.at - self._last.at >= INTERVAL_S:
            self._report_until(reading, delay)

    def rests(self, reading: CpuReading, delay: RunDelay) -> None:
        """Note that the loop has nothing to do. Servers wake it several times a second, so this must be cheap."""
        if reading.at - self._last.at >= INTERVAL_S:
            self._report_until(reading, delay)
        self._rested = reading

    def stalled(self, started: float, ended: float, before: CpuReading, after: CpuReading, delay: RunDelay) -> None:
        """Note a step that reached the threshold, or still runs. ``before`` was read soon after it began."""
        began = max(started, self._last.at)
        if ended > began:
            cpu_s = _cpu_s(self._last, before)
            self._report(ended, None if cpu_s is None else cpu_s + ended - began)
            self._last = after._replace(at=ended)
            self._delay_s = delay.read_s() or 0.0  # part of the stall

    def _report_until(self, reading: CpuReading, delay: RunDelay) -> None:
        cpu_s, before_s = _cpu_s(self._last, reading), self._delay_s
        self._delay_s = delay.read_s() or 0.0
        self._report(reading.at, None if cpu_s is None else cpu_s + max(0.0, self._delay_s - before_s))
        self._last = reading

    def _report(self, until: float, busy_s: float | None) -> None:
        lasted_s = until - self._last.at
        if self.report is not None and lasted_s > 0:
            self.report(LoopUsage(utc_of(until), lasted_s, None if busy_s is None else min(busy_s, lasted_s)))


def _cpu_s(before: CpuReading, after: CpuReading) -> float | None:
    if before.thread_s is None or after.thread_s is None:
        return None
    return max(0.0, after.thread_s - before.thread_s)
