"""Finds out how often the kernel stopped the process because its control group had used up its share of the CPUs.

The kernel counts that in ``cpu.stat`` (https://docs.kernel.org/scheduler/sched-bwc.html). It counts a throttled period
before the process runs again, so a reading after a stall includes the stall's own periods.
"""

import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from loopwatch.detection.machine.cgroups import CpuGroup, cpu_groups
from loopwatch.detection.machine.clock import now

READ_EVERY_S = 0.25
REMEMBERED = 256
"""The readings of about a minute."""
MOST_BYTES = 1024


class Throttled(NamedTuple):
    """The periods in which a group was throttled, and the seconds, summed over the CPUs."""

    periods: int = 0
    cpu_s: float = 0.0


NEVER_THROTTLED = Throttled()


class CpuLimit(NamedTuple):
    """A group that has a limit: its counters, and the length of the periods in which the limit applies."""

    stat_file: str
    period_s: float


class _Reading(NamedTuple):
    at: float
    throttled: Throttled


class Throttling:
    """The latest readings of the counters of some limits. Only the watchdog's thread uses this."""

    def __init__(self, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._files: list[int] = []
        self._period_s = 0.0
        self._read_at = 0.0
        self._readings: deque[_Reading] = deque(maxlen=REMEMBERED)

    def begin(self, limits: Iterable[CpuLimit]) -> None:
        """Read the counters of these limits from now on."""
        for limit in limits:
            with suppress(OSError):
                file = os.open(limit.stat_file, os.O_RDONLY)
                weakref.finalize(self, os.close, file)
                self._files.append(file)
                self._period_s = min(self._period_s or limit.period_s, limit.period_s)
        self._read()

    def note(self) -> None:
        """Read the counters, if the last reading is old. Costs next to nothing where there is no limit."""
        if self._files and self._clock() - self._read_at >= READ_EVERY_S:
            self._read()

    def within(self, started: float, ended: float) -> Throttled:
        """Return how the process was throttled in that time. The time of the periods before it may be included."""
        if not self._files:
            return NEVER_THROTTLED
        if self._read_at < ended:
            self._read()
        before = next((each for each in reversed(self._readings) if each.at <= started), self._readings[0])
        after = next((each for each in self._readings if each.at >= ended), self._readings[-1])
        # The counters of an idle process may have been read long ago, so the number is limited to what that time has
        # room for.
        room = int((ended - started) / self._period_s) + 1
        periods = after.throttled.periods - before.throttled.periods
        return Throttled(max(0, min(room, periods)), max(0.0, after.throttled.cpu_s - before.throttled.cpu_s))

    def _read(self) -> None:
        counters = [throttled_in(_content(file)) for file in self._files]
        self._read_at = self._clock()
        throttled = Throttled(sum(each.periods for each in counters), sum(each.cpu_s for each in counters))
        self._readings.append(_Reading(self._read_at, throttled))


def limits_of_this_process() -> list[CpuLimit]:
    """Return the CPU limits that apply to this process; none where there are no control groups."""
    try:
        groups = cpu_groups(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
    except (OSError, ValueError):
        return []
    return list(limits_of(groups))


def limits_of(groups: Iterable[CpuGroup]) -> Iterator[CpuLimit]:
    """Yield the limits of those groups that have one."""
    for group in groups:
        directory = Path(group.directory)
        with suppress(OSError, ValueError):
            quota, period_us = _limit(directory, group.version)
            if quota not in ("max", "-1") and int(period_us) > 0:
                yield CpuLimit(str(directory / "cpu.stat"), int(period_us) / 1e6)


def throttled_in(stat: bytes) -> Throttled:
    """Return the counters in a ``cpu.stat`` of either version; zeros if it has none."""
    counters = dict(fields for line in stat.splitlines() if len(fields := line.split()) == 2)
    with suppress(ValueError):
        seconds = int(counters.get(b"throttled_usec", 0)) / 1e6 + int(counters.get(b"throttled_time", 0)) / 1e9
        return Throttled(int(counters.get(b"nr_throttled", 0)), seconds)
    return NEVER_THROTTLED


def _limit(directory: Path, version: int) -> tuple[str, str]:
    """Return the quota and the period of a group, as the kernel writes them."""
    if version == 1:
        return (directory / "cpu.cfs_quota_us").read_text().strip(), (directory / "cpu.cfs_period_us").read_text()
    quota, period_us = (directory / "cpu.max").read_text().split()
    return quota, period_us


def _content(file: int) -> bytes:
    try:
        return os.pread(file, MOST_BYTES, 0)
    except OSError:  # the group is gone
        return b""
