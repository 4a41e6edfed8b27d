"""Keeps the code that the timer times: what a traced step runs, until it has proved quick."""

import asyncio
import os
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Protocol

from loopwatch.detection.cpython.code_owner import Owner, owner_of_file
from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.cpython.sites import is_where_steps_begin
from loopwatch.detection.machine.clock import now
from loopwatch.detection.tracing.step_trace import StepTrace
from loopwatch.detection.tracing.timing_budget import CodeBudget

MAX_CODES = 20_000
MAX_UNTIMED_CALLEES = 300
_ASYNCIO = os.path.dirname(asyncio.__file__) + os.sep  # noqa: PTH120


class CodeTimer(Protocol):
    """Gets events of single code objects."""

    def time(self, code: CodeType) -> None: ...

    def leave(self, code: CodeType) -> None: ...


class TimedCode:
    """The code objects known, by their ids, and those of them that are ``timed``. Budgets keep the code alive.

    While it ``is_following``, code becomes known by the calls that lead to it, and not by a scout.
    """

    def __init__(self, timer: CodeTimer) -> None:
        self.budgets: dict[int, CodeBudget] = {}
        self.timed: dict[int, CodeBudget] = {}
        self.is_following = True
        self._timer = timer

    def time(self, code: CodeType) -> CodeBudget:
        """Time a code object. Returns its budget."""
        budget = self._budget_of(code)
        self._time(budget)
        return budget

    def time_if_unknown(self, code: CodeType) -> None:
        if id(code) not in self.budgets and not _is_plumbing(code.co_filename):
            self._time(self._budget_of(code))

    def discover(self, code: CodeType) -> CodeBudget | None:
        """Time unknown code that a traced step runs. Returns ``None`` for code that is never timed."""
        return None if _is_plumbing(code.co_filename) else self.time(code)

    def unknown_on_stack(self, frame: FrameType | None) -> list[CodeType]:
        """Return the unknown code from ``frame`` out to where the step began."""
        codes = []
        while frame is not None and not is_where_steps_begin(frame.f_code, module_name(frame.f_globals)):
            if not _is_plumbing(frame.f_code.co_filename) and id(frame.f_code) not in self.budgets:
                codes.append(frame.f_code)
            frame = frame.f_back
        return codes

    def time_again(self, codes: Iterable[CodeType]) -> None:
        """Time code again, and the code that it calls, because it caused a stall untimed."""
        for code in codes:
            budget = self._budget_of(code)
            for each in (budget, *list(budget.untimed_callees)[:MAX_UNTIMED_CALLEES]):
                if each.suspect(now()):
                    # Off and on, because single places in it that call C functions may have been disabled.
                    self._timer.leave(each.code)
                    self._time(each)

    def give_up(self, budget: CodeBudget, trace: StepTrace | None) -> None:
        """End the timing of code that has no credits left, unless it is a rare cause of stalls.

        ``trace`` is the loop whose step has called the code, if a traced step has.
        """
        if not budget.is_given_up(now()):
            return
        self._timer.leave(budget.code)
        self.timed.pop(id(budget.code), None)
        budget.is_timed = False
        if trace is None:
            if self.is_following:  # a traced request may yet call it
                self.budgets.pop(id(budget.code), None)
            return
        caller = next((each for each, _, _ in reversed(trace.stack) if isinstance(each, CodeBudget)), None)
        if caller is not None and len(caller.untimed_callees) < MAX_UNTIMED_CALLEES:
            caller.untimed_callees.add(budget)

    def codes(self) -> list[CodeType]:
        """Return the code objects that are timed."""
        return [budget.code for budget in list(self.timed.values())]

    def clear(self) -> None:
        """Forget all code, after the timer has been removed."""
        self.budgets.clear()
        self.timed.clear()

    def _time(self, budget: CodeBudget) -> None:
        self._timer.time(budget.code)
        self.timed[id(budget.code)] = budget
        budget.is_timed = True

    def _budget_of(self, code: CodeType) -> CodeBudget:
        budget = self.budgets.get(id(code))
        if budget is None:
            if len(self.budgets) >= MAX_CODES:
                self._forget_quick_code()
            budget = self.budgets[id(code)] = CodeBudget(code)
        return budget

    def _forget_quick_code(self) -> None:
        for code_id, budget in list(self.budgets.items()):
            budget.untimed_callees.clear()
            if not budget.is_timed:
                del self.budgets[code_id]


def _is_plumbing(filename: str) -> bool:
    return filename.startswith(_ASYNCIO) or owner_of_file(filename) is Owner.PLUMBING
