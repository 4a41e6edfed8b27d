"""Decides which code is worth timing: code that is not always quick.

Every code object, and every place in it that calls a C function, has credits. A slow call earns some, a quick call
costs one, and without credits there is no timing. So timing takes a small part of the time that is timed, and code
that is quick on average costs nothing.
"""

from types import CodeType

FIRST_CREDITS = 3.0
MAX_CREDITS = 100.0
"""Beyond this nothing is earned: where processes compete for the CPUs, all code looks slow for a while."""
SUSPECT_CREDITS = 2000.0
SUSPECT_INTERVAL_S = 1.0
MAX_SUSPICIONS = 3


class TimingBudget:
    """The credits of one place that calls C functions. ``active`` of its calls have begun and not ended."""

    __slots__ = ("active", "credits")

    def __init__(self) -> None:
        self.credits = FIRST_CREDITS
        self.active = 0

    def note(self, worthwhile_times: float) -> None:
        """Account for a call that took ``worthwhile_times`` as long as a call that is worth timing."""
        earned = self.credits + worthwhile_times - 1.0
        self.credits = earned if earned <= MAX_CREDITS else max(MAX_CREDITS, self.credits - 1.0)


class CodeBudget(TimingBudget):
    """The credits of one code object. ``untimed_callees`` is code that it calls, and that has proved quick."""

    __slots__ = ("_credited_at", "calls", "code", "is_timed", "suspicions", "untimed_callees")

    def __init__(self, code: CodeType) -> None:
        super().__init__()
        self.code = code
        self.calls: dict[int, TimingBudget] = {}
        """By the offset of the instruction that calls."""
        self.untimed_callees: set[CodeBudget] = set()
        self.is_timed = False
        self.suspicions = 0
        self._credited_at = 0.0

    def suspect(self, at: float) -> bool:
        """Time the code again, because it caused a stall untimed. Returns false if that has not helped before."""
        if self.suspicions >= MAX_SUSPICIONS:
            return False
        self.suspicions += 1
        self.credits = SUSPECT_CREDITS
        self._credited_at = at
        self.calls = {}
        return True

    def is_given_up(self, at: float) -> bool:
        """Return whether timing ends, now that no credits are left. It goes on for a rare cause of stalls."""
        if self.suspicions and at - self._credited_at >= SUSPECT_INTERVAL_S:
            self.credits = SUSPECT_CREDITS
            self._credited_at = at
            return False
        return True
