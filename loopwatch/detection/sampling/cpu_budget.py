"""How much CPU time the watchdog may take: a share of one core, so that a storm of stalls does not get worse by it.

What it saves while there is little to do it may use at once, so that a burst of stalls is looked at as a whole. On the
watchdog's thread alone.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from loopwatch.detection.machine.clock import NEVER, now

SHARE = 0.2
SAVED_AT_MOST_S = 0.5
OWED_AT_MOST_S = 0.01
"""What counting stalls costs beyond that is let off, so that some are looked at in the worst of storms."""


SAVING_S = 0.005
"""How long the loops are left alone when the share is used up."""
PAUSE_S = 0.0005
HIDDEN_FOR_S = 0.05
"""A step that begins later than this after the last saving would have been looked at in time."""


class WatchdogFigures(NamedTuple):
    """What the watchdog used and missed: CPU seconds, how often it failed, and stalls that it could only count."""

    cpu_s: float = 0.0
    failures: int = 0
    unexamined: int = 0


class CpuBudget:
    """``used_s`` tells the CPU seconds that the thread has used."""

    def __init__(self, used_s: Callable[[], float] = time.thread_time, clock: Callable[[], float] = now) -> None:
        self._used_s_now, self._clock = used_s, clock
        self._saved_s = SAVED_AT_MOST_S
        self._at, self._used_s = clock(), used_s()
        self._saved_until = -NEVER

    def is_spent(self) -> bool:
        """Whether the share is used up at this moment."""
        at, used_s = self._clock(), self._used_s_now()
        saved_s = self._saved_s + SHARE * (at - self._at) - (used_s - self._used_s)
        self._saved_s = min(SAVED_AT_MOST_S, max(-OWED_AT_MOST_S, saved_s))
        self._at, self._used_s = at, used_s
        return self._saved_s < 0

    def save(self) -> None:
        """Use nothing for a while; no stall interrupts that."""
        time.sleep(SAVING_S)
        self._saved_until = self._clock()

    def pause(self) -> None:
        """Let others have the GIL: only who sleeps lets go of it before it is asked to, which takes 5 ms."""
        time.sleep(PAUSE_S)
        self._saved_until = self._clock()

    def hid(self, step_started: float) -> bool:
        """Whether a step that began then may not have been seen because the share was used up."""
        return step_started <= self._saved_until + HIDDEN_FOR_S
