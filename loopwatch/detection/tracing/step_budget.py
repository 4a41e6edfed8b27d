"""Decides which steps are traced where tracing is costly: those of code that is new or has stalled lately.

The code is that of the coroutine or callback that the loop runs. No object of the site is asked for an attribute,
because it may raise ``SystemExit`` and end the loop, or be a proxy that asks its server.
"""

from types import CodeType, CoroutineType, MethodType
from typing import Any

from loopwatch.detection.cpython.namespaces import attribute_in_c, code_of
from loopwatch.detection.timing.steps import task_of

FIRST_CREDITS = 30
STALL_CREDITS = 1000
SUSPECT_FOR_S = 60.0
MAX_CODES = 1000


class StepBudget:
    """For one coroutine or callback, how many more steps are traced, and at least until when."""

    __slots__ = ("code", "credits", "until")

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.credits = FIRST_CREDITS
        self.until = 0.0


class StepBudgets:
    """The budgets of one loop's steps. Used on the loop's thread, as a step begins and as it ends."""

    def __init__(self) -> None:
        self._budgets: dict[int, StepBudget] = {}
        self._current: StepBudget | None = None

    def is_quick(self, handle: object, at: float) -> bool:
        """Return whether the step that begins need not be traced."""
        code = _code_of(handle)
        if code is None:
            self._current = None
            return False
        budget = self._budgets.get(id(code))
        if budget is None:
            if len(self._budgets) >= MAX_CODES:
                self._budgets.clear()
            budget = self._budgets[id(code)] = StepBudget(code)
        self._current = budget
        if budget.credits > 0:
            budget.credits -= 1
            return False
        return at >= budget.until

    def skip(self) -> None:
        """Note that the step that begins is not traced."""
        self._current = None

    def note(self, started: float, ended: float, threshold_s: float) -> None:
        """Note the end of a step. If it was a stall, the next ones are traced again."""
        if ended - started >= threshold_s and self._current is not None:
            self._current.credits = STALL_CREDITS
            self._current.until = ended + SUSPECT_FOR_S


def _code_of(handle: object) -> CodeType | None:
    callback: Any = getattr(handle, "_callback", None)
    task = task_of(callback)
    if task is None:
        return code_of(callback.__func__ if type(callback) is MethodType else callback)
    coroutine = task.get_coro()
    if type(coroutine) is CoroutineType:
        return coroutine.cr_code
    code = attribute_in_c(coroutine, "cr_code")
    return code if type(code) is CodeType else None
