"""The callbacks of ``sys.monitoring``: hot paths, which use only locals, cells and slots.

They run on any thread, for code that is not always quick, and must not raise. ``traces`` maps a thread to the loop that
is traced in it, and ``timed`` the id of a code object to its budget. The stack of a step holds, for each call that goes
on, its budget, a key and the moment when it began. The key is the id of the call's frame, which lives as long as the
call; a C function has no frame, so its key is the inverted id of its caller's. The key, not the order of events, says
which call has ended: greenlets switch between stacks, and some calls begin without an event.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

from loopwatch.detection.machine.clock import now
from loopwatch.detection.tracing.monitoring_tools import Callbacks, events, monitoring
from loopwatch.detection.tracing.step_trace import StepTrace
from loopwatch.detection.tracing.timed_code import TimedCode
from loopwatch.detection.tracing.timing_budget import CodeBudget, TimingBudget

DISABLE = monitoring.DISABLE
Traces = Mapping[int, StepTrace]
Timed = Mapping[int, CodeBudget]
GiveUp = Callable[[CodeBudget, StepTrace | None], None]
Follow = Callable[[Any], None]


def scout_callbacks(traces: Traces, timed_code: TimedCode) -> Callbacks:
    budgets, discover = timed_code.budgets, timed_code.discover
    get_ident = threading.get_ident

    def begins(code: CodeType, _offset: int) -> Any:
        trace = traces.get(get_ident())
        if trace is None or id(code) in budgets or running_step(trace) is None:
            return DISABLE
        try:
            budget = discover(code)
            # No call is noted for loopwatch's own code that ends an unobserved step, after the next one has begun.
            running = None if budget is None else begun(trace)
            if budget is not None and running is not None:
                budget.active += 1
                running.stack.append((budget, id(sys._getframe(1)), now()))  # noqa: SLF001
        except Exception as error:  # noqa: BLE001 - the user's code must not notice
            trace.note_failure(error)
        return DISABLE

    return {events.PY_START: begins, events.PY_RESUME: begins}


def timer_callbacks(traces: Traces, timed_code: TimedCode, follow: Follow) -> Callbacks:
    """Return the callbacks of the timer. ``follow`` finds the code that a call is about to run."""
    timed, give_up = timed_code.timed, timed_code.give_up
    begins, ends = _begins(traces, timed, give_up), _ends(traces, give_up)

    def unwinds(code: CodeType, offset: int, error: object) -> None:
        if id(code) in timed:
            ends(code, offset, error, 2)

    def thrown(code: CodeType, offset: int, _error: object) -> None:
        if id(code) in timed:
            begins(code, offset, 2)

    returns_from_c = _returns_from_c(traces)
    return {
        events.PY_START: begins,
        events.PY_RESUME: begins,
        events.PY_THROW: thrown,
        events.PY_RETURN: ends,
        events.PY_YIELD: ends,
        events.PY_UNWIND: unwinds,
        events.CALL: _calls(traces, timed_code, follow),
        events.C_RETURN: returns_from_c,
        events.C_RAISE: returns_from_c,
    }


def _begins(traces: Traces, timed: Timed, give_up: GiveUp) -> Callable[..., None]:
    get_ident, get_frame = threading.get_ident, sys._getframe  # noqa: SLF001

    def elsewhere(budget: CodeBudget) -> None:
        """Charge code that no traced step runs: it earns nothing."""
        budget.note(0.0)
        if budget.credits < 0.0 and not budget.active:
            with contextlib.suppress(Exception):  # the user's code must not notice
                give_up(budget, None)

    def begins(code: CodeType, _offset: int, depth: int = 1) -> None:
        budget = timed.get(id(code))
        if budget is None:
            return
        trace = traces.get(get_ident())
        if trace is None or trace.clock.handle is None or trace.step != trace.clock.started:
            running = None if trace is None else begun(trace)
            if running is None:
                elsewhere(budget)
                return
            trace = running
        budget.active += 1
        trace.stack.append((budget, id(get_frame(depth)), now()))

    return begins


def _calls(traces: Traces, timed_code: TimedCode, follow: Follow) -> Callable[..., Any]:
    get_ident, get_frame, timed = threading.get_ident, sys._getframe, timed_code.timed  # noqa: SLF001
    calls_python, new_place = _calls_python(traces, timed_code, follow), _new_place(timed_code, follow)

    def calls(code: CodeType, offset: int, function: Any, _argument: object) -> Any:
        kind = type(function)
        if kind is FunctionType or kind is MethodType:
            return calls_python(function)
        trace = traces.get(get_ident())
        code_budget = timed.get(id(code))
        if trace is None or code_budget is None:
            return None
        if trace.clock.handle is None or trace.step != trace.clock.started:
            running = begun(trace)
            if running is None:
                return None
            trace = running
        budget = code_budget.calls.get(offset)
        if budget is None:
            budget = new_place(code_budget, offset, trace, function)
        elif budget.credits < 0.0 and not budget.active:
            return DISABLE
        budget.active += 1
        trace.stack.append((budget, ~id(get_frame(1)), now()))
        return None

    return calls


def _calls_python(traces: Traces, timed_code: TimedCode, follow: Follow) -> Callable[[Any], Any]:
    get_ident = threading.get_ident

    def calls_python(function: Any) -> Any:
        if not timed_code.is_following:
            return DISABLE  # the scout sees the beginning of the function's code
        trace = traces.get(get_ident())
        if trace is not None and begun(trace) is not None:
            _try_to(follow, trace, function)
        return None

    return calls_python


def _new_place(timed_code: TimedCode, follow: Follow) -> Callable[..., TimingBudget]:
    def new_place(code_budget: CodeBudget, offset: int, trace: StepTrace, function: Any) -> TimingBudget:
        if timed_code.is_following:
            _try_to(follow, trace, function)  # a class or an object written in Python runs code, too
        budget = code_budget.calls[offset] = TimingBudget()
        return budget

    return new_place


def _try_to(follow: Follow, trace: StepTrace, function: Any) -> None:
    try:
        follow(function)
    except Exception as error:  # noqa: BLE001 - the user's code must not notice
        trace.note_failure(error)


def _ends(traces: Traces, give_up: GiveUp) -> Callable[..., None]:
    get_ident, get_frame = threading.get_ident, sys._getframe  # noqa: SLF001

    def ends(_code: CodeType, _offset: int, _value: object, depth: int = 1) -> None:
        trace = traces.get(get_ident())
        if trace is None or ((trace.clock.handle is None or not trace.stack) and not (trace := busy(trace))):
            return
        frame, stack = get_frame(depth), trace.stack
        if stack[-1][1] != id(frame) and not unwind(stack, id(frame)):
            return
        ended = now()
        budget, _, started = stack.pop()
        budget.active -= 1
        times = (ended - started) / trace.worthwhile_s
        budget.note(times)
        if times >= 1.0:
            trace.call_ended(frame, None, started, ended, stack[-1][2] if stack else None)
        elif budget.credits < 0.0 and not budget.active:
            try:
                give_up(budget, trace)
            except Exception as error:  # noqa: BLE001 - the user's code must not notice
                trace.note_failure(error)

    return ends


def _returns_from_c(traces: Traces) -> Callable[..., None]:
    get_ident, get_frame = threading.get_ident, sys._getframe  # noqa: SLF001

    def returns_from_c(_code: CodeType, _offset: int, function: Any, _argument: object) -> None:
        trace = traces.get(get_ident())
        if trace is None or ((trace.clock.handle is None or not trace.stack) and not (trace := busy(trace))):
            return
        frame, stack = get_frame(1), trace.stack
        if stack[-1][1] != ~id(frame) and not unwind(stack, ~id(frame)):
            return
        ended = now()
        budget, _, started = stack.pop()
        budget.active -= 1
        times = (ended - started) / trace.worthwhile_s
        budget.note(times)
        if times >= 1.0:
            trace.call_ended(frame, function, started, ended, stack[-1][2] if stack else None)

    return returns_from_c


def begun(trace: StepTrace) -> StepTrace | None:
    """Return this thread's loop that runs a step to be traced, ready for that step; ``None`` if none does."""
    running = running_step(trace)
    if running is not None and running.step != running.clock.started:
        running.drop_calls()
        running.begin(running.clock.started)
    return running


def running_step(trace: StepTrace) -> StepTrace | None:
    return next((each for each in siblings(trace) if each.clock.handle is not None and each.is_open), None)


def busy(trace: StepTrace) -> StepTrace | None:
    """Return the loop of this thread whose running step has calls that go on; ``None`` if none has."""
    return next((each for each in siblings(trace) if each.clock.handle is not None and each.stack), None)


def siblings(trace: StepTrace) -> list[StepTrace]:
    found = [trace]
    while (following := found[-1].sibling) is not None:
        found.append(following)
    return found


def unwind(stack: list[Any], key: int) -> bool:
    """Drop the calls above the call ``key``, whose ends had no event. Returns false if there is no such call."""
    if not any(each == key for _, each, _ in stack):
        return False
    while stack[-1][1] != key:
        stack.pop()[0].active -= 1
    return True
