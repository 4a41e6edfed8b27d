"""Detects suspensions of the process: the watchdog was due, and no thread of the process used CPU meanwhile.

A virtual machine whose host is busy stands still now and then, and so does a container that has used up its share of
the CPUs. It looks the same when only the watchdog waited for a disk, or when a thread kept the GIL while it waited,
which no thread should. If only the watchdog waited for a CPU, the kernel tells how long that was.
"""

from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from loopwatch.detection.machine.cpu_clocks import RunDelay

SHORTEST_S = 0.003
"""The machine's own scheduling may delay a thread for this long."""
REMEMBERED = 16


class Suspension(NamedTuple):
    """At some time between ``since`` and ``until`` the process was suspended for ``lasted_s``.

    All but ``unexplained_s`` of that may be the watchdog's own wait for a CPU.
    """

    since: float
    until: float
    lasted_s: float
    unexplained_s: float


class Suspensions:
    """The latest suspensions. Only the watchdog's thread uses this, and notes when it rests.

    ``at`` is always the present moment, and ``process_s`` the CPU seconds that the process has used until then.
    The watchdog's thread sets its ``run_delay`` as it starts.
    """

    def __init__(self, at: float, process_s: float) -> None:
        self._latest: deque[Suspension] = deque(maxlen=REMEMBERED)
        self._awake_since = at
        self._process_s = process_s
        self._waited_s = 0.0
        self.run_delay: RunDelay | None = None

    def wakes(self, due_at: float, at: float, process_s: float) -> None:
        """Note the end of a rest that was to end at ``due_at``, which may be before it began."""
        self.rested(due_at)
        self.check(at, process_s)

    def rested(self, due_at: float) -> None:
        """Note the end of a rest like ``wakes``, if another rest follows at once."""
        self._awake_since = max(due_at, self._awake_since)

    def check(self, at: float, process_s: float) -> None:
        """Note whether the process was suspended since the last check. The watchdog is awake."""
        lasted_s = at - self._awake_since - (process_s - self._process_s)
        waited_s = (self.run_delay.read_s() if self.run_delay is not None else None) or 0.0
        if lasted_s >= SHORTEST_S:
            unexplained_s = max(0.0, lasted_s - (waited_s - self._waited_s))
            self._latest.append(Suspension(self._awake_since, at, lasted_s, unexplained_s))
        self._awake_since, self._process_s, self._waited_s = at, process_s, waited_s

    def within(self, started: float, ended: float) -> float:
        """Return for how many seconds of that time, at most, the process was suspended."""
        return self._shared_s(started, ended, attrgetter("lasted_s"))

    def unexplained_within(self, started: float, ended: float) -> float:
        """Return the same without what may be the watchdog's own wait for a CPU."""
        return self._shared_s(started, ended, attrgetter("unexplained_s"))

    def _shared_s(self, started: float, ended: float, part_s: Callable[[Suspension], float]) -> float:
        shared = (min(part_s(each), min(ended, each.until) - max(started, each.since)) for each in self._latest)
        return sum(max(0.0, shared_s) for shared_s in shared)
