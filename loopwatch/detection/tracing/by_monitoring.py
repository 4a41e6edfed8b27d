"""Tracing by ``sys.monitoring``, for Python 3.12 and later.

Two tools share the work. The *scout* sees the beginning of code that is new to it, once for every code object. If a
watched step runs that code, the scout gives it to the *timer*, which sees its calls and returns until the code has
proved quick (``timing_budget``). From then on the interpreter runs the code without any event. Code that turns slow
later goes back to the timer (``time_again``). So a warmed-up process pays for slow calls only.

If only single requests are traced, there is no scout, because it would slow all code of the process down for a moment.
The timer then begins with the code that a request's step stands in, and follows the calls from there. Python 3.12 has
no event for some of these calls, so there the scout helps.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Iterable
from functools import partial
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, FunctionType, GeneratorType, MethodType
from typing import Any

from loopwatch.detection.cpython.code_owner import Owner, owner_of_file
from loopwatch.detection.cpython.sites import is_where_steps_begin
from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.timing.trace import Trace
from loopwatch.detection.tracing.monitoring_callbacks import Callbacks, scout_callbacks, siblings, timer_callbacks
from loopwatch.detection.tracing.step_trace import StepTrace, worthwhile_s
from loopwatch.detection.tracing.timing_budget import CodeBudget
from loopwatch.detection.tracing.tracer import TracingUnavailableError

monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
events = monitoring.events

SCOUT, TIMER = "loopwatch scout", "loopwatch timer"
# Ids 0 to 2 are by convention those of debuggers, coverage and profilers, and 5 is that of optimizers.
_TOOL_IDS = (3, 4, 5, 2, 1, 0)
_BEGINS = events.PY_START | events.PY_RESUME
_TIMED = _BEGINS | events.PY_RETURN | events.PY_YIELD | events.CALL
_EXCEPTIONS = events.PY_UNWIND | events.PY_THROW
ALL_CALLS_ARE_TOLD = sys.version_info >= (3, 13)
"""Before, the timer does not hear of ``function(*arguments)``."""
MAX_CODES = 20_000
MAX_UNTIMED_CALLEES = 300
MAX_AWAITED = 100
_ASYNCIO = os.path.dirname(asyncio.__file__) + os.sep  # noqa: PTH120


class MonitoringTracer:
    """The two tools, and the loops whose steps they time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._traces: dict[int, StepTrace] = {}
        """By thread; more loops of the same thread follow as siblings."""
        self._budgets: dict[int, CodeBudget] = {}
        """By the id of the code object, which the budget keeps alive."""
        self._timed: dict[int, CodeBudget] = {}
        self._scout = self._timer = -1
        self._timed_events = _TIMED | _EXCEPTIONS
        self._scouted: set[LoopClock] = set()
        """The loops of which every step is traced."""
        self._scout_callbacks = scout_callbacks(self._traces, self._budgets, self._discover)
        self._timer_callbacks = timer_callbacks(self._traces, self._timed, self._give_up, self)

    @property
    def is_following(self) -> bool:
        """Whether code is found by the calls that lead to it."""
        return not self._scouted

    def check(self, *, every_step: bool) -> None:
        with self._lock:
            self._free_tools(with_scout=every_step or not ALL_CALLS_ARE_TOLD)

    def start(self, clock: LoopClock, *, every_step: bool) -> None:
        with self._lock:
            scouted = self._scouted | {clock} if every_step else self._scouted - {clock}
            with_scout = bool(scouted) or not ALL_CALLS_ARE_TOLD
            self._install(with_scout=with_scout)
            self._scouted = scouted
            if not with_scout:
                self._uninstall_scout()
            if clock.tracer is not None:
                clock.tracer.set_threshold(clock.threshold_s)
                return
            trace = StepTrace(clock)
            clock.tracer = tracer = MonitoredSteps(trace, self)
            trace.sibling = self._traces.get(clock.thread_id)
            self._traces[clock.thread_id] = trace
        if every_step and clock.handle is not None and clock.thread_id == threading.get_ident():
            tracer.begin_step()

    def stop(self, clock: LoopClock) -> None:
        with self._lock:
            tracer, clock.tracer = clock.tracer, None
            if not isinstance(tracer, MonitoredSteps):
                return
            self.forget(tracer.steps)
            self._scouted -= {clock}
            if not self._scouted and (ALL_CALLS_ARE_TOLD or not self._traces):
                self._uninstall_scout()
            if not self._traces:
                self._uninstall_timer()

    def forget(self, trace: StepTrace) -> None:
        for thread_id, first in list(self._traces.items()):
            left = [each for each in siblings(first) if each is not trace]
            del self._traces[thread_id]
            for each in reversed(left):
                each.sibling = self._traces.get(thread_id)
                self._traces[thread_id] = each

    def move(self, trace: StepTrace, thread_id: int) -> None:
        """The loop runs in another thread now."""
        with self._lock:
            self.forget(trace)
            trace.sibling = self._traces.get(thread_id)
            self._traces[thread_id] = trace

    def time_again(self, codes: Iterable[CodeType]) -> None:
        with self._lock:
            if self._timer < 0:
                return
            for code in codes:
                budget = self._budget_of(code)
                for each in (budget, *list(budget.untimed_callees)[:MAX_UNTIMED_CALLEES]):
                    if each.suspect(now()):
                        # Off and on again: places in it that call C functions may have been switched off one by one.
                        monitoring.set_local_events(self._timer, each.code, 0)
                        self.time(each)

    def time_running_code(self, frame: FrameType | None) -> None:
        """The step that runs may have begun unseen, and so has the code on its stack."""
        codes = []
        while frame is not None and not is_where_steps_begin(frame.f_code, str(frame.f_globals.get("__name__", ""))):
            if not _is_plumbing(frame.f_code.co_filename) and id(frame.f_code) not in self._budgets:
                codes.append(frame.f_code)
            frame = frame.f_back
        if codes:
            with self._lock:
                for code in codes if self._timer >= 0 else ():
                    self.time(self._budget_of(code))

    def follow_step(self, handle: object) -> None:
        """Time what a step that begins is about to run: the coroutines of its task, or its callback."""
        callback = getattr(handle, "_callback", None)
        task = _task_of(callback)
        if task is None:
            self.follow(callback)
            return
        awaited: object = task.get_coro()
        for _ in range(MAX_AWAITED):
            code, awaited = _code_and_awaited(awaited)
            if code is None:
                break
            self._follow_code(code)

    def follow(self, function: Any) -> None:
        """Time what a call of this runs, if that is Python code. None of the user's is run to find out."""
        kind = type(function)
        if kind is MethodType:
            self.follow(function.__func__)
        elif kind is FunctionType:
            self._follow_code(function.__code__)
        elif kind is partial:
            self.follow(function.func)
        elif issubclass(kind, type):
            self._follow_method(function, "__new__")
            self._follow_method(function, "__init__")
        else:
            self._follow_method(kind, "__call__")

    def _follow_method(self, owner: type, name: str) -> None:
        method = next((vars(each)[name] for each in owner.__mro__ if name in vars(each)), None)
        method = method.__func__ if type(method) is staticmethod else method
        if type(method) is FunctionType:
            self._follow_code(method.__code__)

    def _follow_code(self, code: CodeType) -> None:
        if id(code) not in self._budgets and not _is_plumbing(code.co_filename):
            self.time(self._budget_of(code))

    def time(self, budget: CodeBudget) -> None:
        monitoring.set_local_events(self._timer, budget.code, self._timed_events)
        self._timed[id(budget.code)] = budget
        budget.is_timed = True

    def _discover(self, code: CodeType) -> CodeBudget | None:
        """A watched step runs code that nobody has seen yet."""
        if _is_plumbing(code.co_filename):
            return None
        budget = self._budget_of(code)
        self.time(budget)
        return budget

    def _budget_of(self, code: CodeType) -> CodeBudget:
        budget = self._budgets.get(id(code))
        if budget is None:
            if len(self._budgets) >= MAX_CODES:
                self._forget_quick_code()
            budget = self._budgets[id(code)] = CodeBudget(code)
        return budget

    def _forget_quick_code(self) -> None:
        for code_id, budget in list(self._budgets.items()):
            budget.untimed_callees.clear()
            if not budget.is_timed:
                del self._budgets[code_id]

    def _give_up(self, budget: CodeBudget, trace: StepTrace | None) -> None:
        """It has been quick often enough."""
        if not budget.is_given_up(now()):
            return
        monitoring.set_local_events(self._timer, budget.code, 0)
        self._timed.pop(id(budget.code), None)
        budget.is_timed = False
        if trace is None:
            if self.is_following:  # the request may yet call it
                self._budgets.pop(id(budget.code), None)
            return
        caller = next((each for each, _, _ in reversed(trace.stack) if isinstance(each, CodeBudget)), None)
        if caller is not None and len(caller.untimed_callees) < MAX_UNTIMED_CALLEES:
            caller.untimed_callees.add(budget)

    def _free_tools(self, *, with_scout: bool) -> list[int]:
        """Ids for the tools that are still needed; raises ``TracingUnavailableError`` if there are too few."""
        needed = (self._timer < 0) + (with_scout and self._scout < 0)
        free = [tool for tool in _TOOL_IDS if monitoring.get_tool(tool) is None]
        if len(free) < needed:
            raise TracingUnavailableError(_unavailable())
        return free

    def _install(self, *, with_scout: bool) -> None:
        free = self._free_tools(with_scout=with_scout)
        if with_scout and self._scout < 0:
            self._scout = _use(free.pop(0), SCOUT, self._scout_callbacks, _BEGINS)
            # What an earlier scout was not to be told again holds for as long as the code has not run without one.
            monitoring.restart_events()
        if self._timer < 0:
            self._timer = _use(free.pop(0), TIMER, self._timer_callbacks, 0)
            if not _tells_exceptions_by_code(self._timer):
                self._timed_events = _TIMED
                monitoring.set_events(self._timer, _EXCEPTIONS)

    def _uninstall_scout(self) -> None:
        scout, self._scout = self._scout, -1
        if scout >= 0:
            _free(scout, self._scout_callbacks)

    def _uninstall_timer(self) -> None:
        timer, self._timer = self._timer, -1
        if timer < 0:
            return
        for budget in list(self._timed.values()):
            monitoring.set_local_events(timer, budget.code, 0)
        _free(timer, self._timer_callbacks)
        self._budgets.clear()
        self._timed.clear()


def _use(tool: int, name: str, callbacks: Callbacks, everywhere: int) -> int:
    monitoring.use_tool_id(tool, name)
    for event, callback in callbacks.items():
        monitoring.register_callback(tool, event, callback)
    monitoring.set_events(tool, everywhere)
    return tool


def _tells_exceptions_by_code(tool: int) -> bool:
    """Whether events of exceptions can be asked for by code object, as from Python 3.15 on.

    Before, all code of the process pays for them while the timer is there: https://github.com/python/cpython/issues/146182
    """
    code = _tells_exceptions_by_code.__code__
    try:
        monitoring.set_local_events(tool, code, _EXCEPTIONS)
    except ValueError:
        return False
    monitoring.set_local_events(tool, code, 0)
    return True


def _free(tool: int, callbacks: Callbacks) -> None:
    monitoring.set_events(tool, 0)
    for event in callbacks:  # from Python 3.14 on, freeing the id does this
        monitoring.register_callback(tool, event, None)
    monitoring.free_tool_id(tool)


class MonitoredSteps:
    """Tracing, as one loop's clock sees it."""

    needs_every_step = False

    def __init__(self, steps: StepTrace, tracer: MonitoringTracer) -> None:
        self.steps = steps
        self._tracer = tracer

    def set_threshold(self, threshold_s: float) -> None:
        self.steps.worthwhile_s = worthwhile_s(threshold_s)

    def begin_step(self, *, thoroughly: bool = False) -> None:
        self.steps.is_open = True
        if thoroughly:
            self._tracer.follow_step(self.steps.clock.handle)
        self._tracer.time_running_code(sys._getframe(1))  # noqa: SLF001

    def end_step(self) -> None:
        """The first call of the next step notices."""

    def follow(self, function: object) -> None:
        self._tracer.follow(function)

    def rest(self) -> None:
        if self.steps.is_open:
            self.steps.is_open = False
            self.steps.drop_calls()

    def relieve(self) -> None:
        """Code that is called again and again has been given up long since."""

    def moved(self, thread_id: int) -> None:
        self._tracer.move(self.steps, thread_id)

    def trace(self, step: float, *, is_over: bool) -> Trace | None:
        return self.steps.trace(step, is_over=is_over)


def _task_of(callback: object) -> "asyncio.Task[Any] | None":
    try:
        task = getattr(callback, "__self__", None)
        return task if isinstance(task, asyncio.Task) else None
    except Exception:  # noqa: BLE001 - anything may be a callback, and answer with whatever it likes
        return None


def _code_and_awaited(awaited: object) -> tuple[CodeType | None, object]:
    """The code of a coroutine or generator, and what it awaits in turn."""
    if isinstance(awaited, CoroutineType):
        return awaited.cr_code, awaited.cr_await
    if isinstance(awaited, GeneratorType):
        return awaited.gi_code, awaited.gi_yieldfrom
    if isinstance(awaited, AsyncGeneratorType):
        return awaited.ag_code, awaited.ag_await
    return None, None


def _is_plumbing(filename: str) -> bool:
    return filename.startswith(_ASYNCIO) or owner_of_file(filename) is Owner.PLUMBING


def _unavailable() -> str:
    holders = [f"{tool} by {name!r}" for tool in range(6) if (name := monitoring.get_tool(tool)) is not None]
    return (
        "Tracing needs two of the six tool ids of sys.monitoring, or one to trace a request, and fewer are free: "
        f'{", ".join(holders)}. End one of these tools, or use engine="sampling"'
    )
