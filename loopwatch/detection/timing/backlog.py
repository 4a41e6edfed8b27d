"""Counts the requests that a stall kept out: those that reach the application before the loop is idle again.

A blocked loop accepts no connection and reads no request. What clients send meanwhile waits in the kernel, and reaches
the application after the stall, together with what comes in until the loop has caught up. The kernel does not say when
something arrived, so the waits are an estimate.
"""

from collections.abc import Callable

from loopwatch.detection.calls import Request

LONGEST_S = 5.0
"""How long after a stall requests are counted at most, because the report of the stall is held back until then."""
DESCRIBED = 32
"""How many of the requests have their routes looked up."""


class Backlog:
    """The requests that come in between the end of a stall and the moment when the loop is idle.

    It closes at ``until`` at the latest, which is as long after the stall as the stall lasted: a loop that is always
    busy must not count every request. Stalls that end while it is open share it. Only the loop's thread changes it.
    """

    __slots__ = ("_came_s", "_latest_s", "asked", "began", "count", "until")

    def __init__(self, began: float, ended: float) -> None:
        self.began = began
        self.until = ended + min(ended - began, LONGEST_S)
        self.count = 0
        self.asked: list[Callable[[], Request]] = []
        """Describe some of the requests. Never called on the loop's thread."""
        self._came_s = self._latest_s = 0.0

    def add(self, describe: Callable[[], Request], at: float) -> None:
        """Count a request, or a message, that has reached the application."""
        if at <= self.until:
            self.count += 1
            self._latest_s = at - self.began
            self._came_s += self._latest_s
            if len(self.asked) < DESCRIBED:
                self.asked.append(describe)

    @property
    def waited_s(self) -> float:
        """The estimated sum of the waits.

        The requests are assumed to have arrived evenly from the beginning of the stall until the latest one came in. So
        on average they arrived in the middle of that time, which is during the stall, because a backlog is not open for
        longer than the stall lasted.
        """
        return self._came_s - self.count * self._latest_s / 2
