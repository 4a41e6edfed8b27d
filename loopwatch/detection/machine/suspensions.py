"""Detects suspensions of the process: the watchdog was due, and no thread of the process used CPU meanwhile.

A virtual machine whose host is busy stands still now and then, and so does a container that has used up its share of
the CPUs. It looks the same when the watchdog alone had no CPU or waited for a disk, or a thread kept the GIL while it
waited, which none should.
"""

from collections import deque
from typing import NamedTuple

SHORTEST_S = 0.003
"""What the machine's own scheduling may add."""
REMEMBERED = 16


class Absence(NamedTuple):
    """At some time between ``since`` and ``until`` the process was absent for ``lasted_s``."""

    since: float
    until: float
    lasted_s: float


class Absences:
    """The latest absences. The watchdog alone uses this, and says when it rests.

    ``at`` is always the present moment, and ``process_s`` the CPU seconds that the process has used until then.
    """

    def __init__(self, at: float, process_s: float) -> None:
        self._latest: deque[Absence] = deque(maxlen=REMEMBERED)
        self._awake_since = at
        self._process_s = process_s

    def wakes(self, due_at: float, at: float, process_s: float) -> None:
        """The watchdog rests no longer; it was to wake then, or, if it was woken before it rested, at once."""
        self.rested(due_at)
        self.check(at, process_s)

    def rested(self, due_at: float) -> None:
        """As ``wakes``, for a rest that is followed by the next one at once."""
        self._awake_since = max(due_at, self._awake_since)

    def check(self, at: float, process_s: float) -> None:
        """While the watchdog is awake: whether it has been away since the last time."""
        lasted_s = at - self._awake_since - (process_s - self._process_s)
        if lasted_s >= SHORTEST_S:
            self._latest.append(Absence(self._awake_since, at, lasted_s))
        self._awake_since, self._process_s = at, process_s

    def within(self, started: float, ended: float) -> float:
        """How many seconds of that time at most the process was absent."""
        shared = (min(each.lasted_s, min(ended, each.until) - max(started, each.since)) for each in self._latest)
        return sum(max(0.0, shared_s) for shared_s in shared)
