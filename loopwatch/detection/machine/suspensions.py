"""Detects suspensions of the process: the watchdog was due, and no thread of the process used CPU meanwhile.

A virtual machine whose host is busy stands still now and then, and so does a container that has used up its share of
the CPUs. It looks the same when only the watchdog got no CPU or waited for a disk, or when a thread kept the GIL while
it waited, which no thread should.
"""

from collections import deque
from typing import NamedTuple

SHORTEST_S = 0.003
"""The machine's own scheduling may delay a thread for this long."""
REMEMBERED = 16


class Suspension(NamedTuple):
    """At some time between ``since`` and ``until`` the process was suspended for ``lasted_s``."""

    since: float
    until: float
    lasted_s: float


class Suspensions:
    """The latest suspensions. Only the watchdog's thread uses this, and notes when it rests.

    ``at`` is always the present moment, and ``process_s`` the CPU seconds that the process has used until then.
    """

    def __init__(self, at: float, process_s: float) -> None:
        self._latest: deque[Suspension] = deque(maxlen=REMEMBERED)
        self._awake_since = at
        self._process_s = process_s

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
        if lasted_s >= SHORTEST_S:
            self._latest.append(Suspension(self._awake_since, at, lasted_s))
        self._awake_since, self._process_s = at, process_s

    def within(self, started: float, ended: float) -> float:
        """Return for how many seconds of that time, at most, the process was suspended."""
        shared = (min(each.lasted_s, min(ended, each.until) - max(started, each.since)) for each in self._latest)
        return sum(max(0.0, shared_s) for shared_s in shared)
