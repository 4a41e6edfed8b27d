"""Counts the requests that a stall kept out: those that reach the application before the loop is idle again.

A blocked loop accepts no connection and reads no request. What clients send meanwhile waits in the kernel, and reaches
the application after the stall, together with what comes in until the loop has caught up. The kernel does not say when
something arrived, so the waits are an estimate.
"""

from collections.abc import Callable

from loopwatch.detection.calls import Request
from loopwatch.detection.machine.clock import NEVER

LONGEST_S = 5.0
"""How long after a stall requests are counted at most, because the report of the stall is held back until then."""
DESCRIBED = 32
"""How many of the requests have their routes looked up."""


class Backlog:
    """The requests that come in between the end of a stall and the moment when the loop is idle.

    It closes at ``until`` at the latest, which is as long after the stall as the stall lasted: a loop that is always
    busy must not count every request. Stalls that end while it is open share it. Only the loop's thread changes it.
    """

    __slots__ = ("_came_s", "_closed_at", "asked", "began", "count", "until")

    def __init__(self, began: float, ended: float) -> None:
        self.began = began
        self.until = ended + min(ended - began, LONGEST_S)
        self.count = 0
        self.asked: list[Callable[[], Request]] = []
        """Describe some of the requests. Never called on the loop's thread."""
        self._came_s = 0.0
        self._closed_at = NEVER

    def add(self, describe: Callable[[], Request], at: float) -> None:
        """Count a request, or a message, that has reached the application."""
        if at <= self.until:
            self.count += 1
            self._came_s += at - self.began
            if len(self.asked) < DESCRIBED:
                self.asked.append(describe)

    def close(self, at: float) -> None:
        """Note when the loop was idle."""
        self._closed_at = at

    def waited_s(self, at: float) -> float:
        """Return the estimated sum of the waits, as of ``at``.

        The requests are assumed to have arrived evenly from the beginning of the stall until the backlog was closed. So
        on average they arrived in the middle of that time, which is during the stall, because a backlog is not open for
        longer than the stall lasted.
        """
        lasted_s = min(at, self._closed_at, self.until) - self.began
        return max(0.0, self._came_s - self.count * lasted_s / 2)
