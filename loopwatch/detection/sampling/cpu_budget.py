"""Limits the watchdog to a share of one core, so that it does not make a storm of stalls worse.

CPU time that the watchdog saves while it has little to do may be used at once, so that a whole burst of stalls is
examined. Used on the watchdog's thread only.
"""

from collections.abc import Callable
from typing import NamedTuple

from loopwatch.detection.machine.clock import NEVER, now, own_time

SHARE = 0.2
SAVED_AT_MOST_S = 0.5
OWED_AT_MOST_S = 0.01
"""A greater debt, which counting stalls may cause, is forgiven, so that some are examined even in the worst storm."""
SAVING_S = 0.005
"""For how long the loops are left alone when the share is used up."""
PAUSE_S = 0.0005
HIDDEN_FOR_S = 0.05
"""A step that begins later than this after the last pause would have been looked at in time."""


class WatchdogFigures(NamedTuple):
    """The watchdog's own figures: CPU seconds, failures, and stalls that it could only count.

    ``lookout`` says whether the lookout is in use, or why not; ``torn`` counts its looks that could not be used.
    """

    cpu_s: float = 0.0
    failures: int = 0
    unexamined: int = 0
    lookout: str = ""
    torn: int = 0


class CpuBudget:
    """The CPU time of a thread that starts later, on which ``used_s`` returns the CPU seconds used so far."""

    def __init__(self, used_s: Callable[[], float] = own_time.thread_time, clock: Callable[[], float] = now) -> None:
        self._used_s_now, self._clock = used_s, clock
        self._saved_s = SAVED_AT_MOST_S
        self._at, self._used_s = clock(), 0.0
        self._saved_until = -NEVER

    def is_spent(self) -> bool:
        """Return whether the share is used up at this moment."""
        at, used_s = self._clock(), self._used_s_now()
        saved_s = self._saved_s + SHARE * (at - self._at) - (used_s - self._used_s)
        self._saved_s = min(SAVED_AT_MOST_S, max(-OWED_AT_MOST_S, saved_s))
        self._at, self._used_s = at, used_s
        return self._saved_s < 0

    def save(self) -> None:
        """Use nothing for a while, even if a stall is handed over."""
        own_time.sleep(SAVING_S)
        self._saved_until = self._clock()

    def pause(self) -> None:
        """Let other threads have the GIL at once, which they otherwise get after a switch interval (5 ms) only."""
        own_time.sleep(PAUSE_S)
        self._saved_until = self._clock()

    def hid(self, step_started: float) -> bool:
        """Return whether the share was used up, so that a step that began then may have been missed."""
        return step_started <= self._saved_until + HIDDEN_FOR_S
