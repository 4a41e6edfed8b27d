"""Which code is worth timing: code that is not always quick.

A code object, and every place in it that calls a C function, has credits. A call that takes long earns some, a quick
one costs one, and what has none left is not timed any more. So the time spent on timing stays a small part of the time
that is timed, and what is quick on average costs nothing at all.
"""

from types import CodeType

FIRST_CREDITS = 3.0
MAX_CREDITS = 100.0
"""Beyond this nothing is earned: where processes compete for the CPUs, all code looks slow for a while, and stacks are
deep."""
SUSPECT_CREDITS = 2000.0
SUSPECT_INTERVAL_S = 1.0
MAX_SUSPICIONS = 3


class Pace:
    """Of one place that calls C functions. ``active`` calls have begun and not ended."""

    __slots__ = ("active", "credits")

    def __init__(self) -> None:
        self.credits = FIRST_CREDITS
        self.active = 0

    def note(self, worthwhile_times: float) -> None:
        """A call has taken so many times what is worth timing."""
        earned = self.credits + worthwhile_times - 1.0
        self.credits = earned if earned <= MAX_CREDITS else max(MAX_CREDITS, self.credits - 1.0)


class CodePace(Pace):
    """Of one code object. ``hidden`` is the code that was found quick in calls that this code made."""

    __slots__ = ("_credited_at", "calls", "code", "hidden", "is_timed", "suspicions")

    def __init__(self, code: CodeType) -> None:
        super().__init__()
        self.code = code
        self.calls: dict[int, Pace] = {}
        """By the offset of the instruction that calls."""
        self.hidden: set[CodePace] = set()
        self.is_timed = False
        self.suspicions = 0
        self._credited_at = 0.0

    def suspect(self, at: float) -> bool:
        """It has been the cause of a stall that nobody timed; false if looking closer has not helped before."""
        if self.suspicions >= MAX_SUSPICIONS:
            return False
        self.suspicions += 1
        self.credits = SUSPECT_CREDITS
        self._credited_at = at
        self.calls = {}
        return True

    def is_given_up(self, at: float) -> bool:
        """Asked when no credits are left. What was the cause of a stall once is timed on if it is called rarely."""
        if self.suspicions and at - self._credited_at >= SUSPECT_INTERVAL_S:
            self.credits = SUSPECT_CREDITS
            self._credited_at = at
            return False
        return True
