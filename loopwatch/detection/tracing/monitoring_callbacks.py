"""What ``sys.monitoring`` calls. The hot paths: whatever they touch is a local, a cell or a slot.

They run for code that is not always quick, on any thread, and must not let an exception out. ``traces`` are the loops
being traced by the thread that runs them, ``timed`` the code that is timed by the id of its code object. A call that
goes on is on its step's stack as its pace, a key and when it began; the key is the id of its frame, which lives as long
as the call, for a C function inverted that of the frame that calls. Frames, not the order of events, say which call has
ended: greenlets switch between stacks, and the beginning of some calls is not told.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any, Protocol

from loopwatch.detection.clock import now
from loopwatch.detection.tracing.pace import CodePace, Pace
from loopwatch.detection.tracing.step_trace import StepTrace

monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
events = monitoring.events
DISABLE = monitoring.DISABLE
Callbacks = dict[int, Callable[..., Any]]
Traces = Mapping[int, StepTrace]
Timed = Mapping[int, CodePace]
GiveUp = Callable[[CodePace, StepTrace | None], None]


class Follower(Protocol):
    """Finds the code to be timed by the calls that lead to it, while it ``is_following``."""

    @property
    def is_following(self) -> bool: ...

    def follow(self, function: Any) -> None: ...


def scout_callbacks(traces: Traces, paces: Timed, discover: Callable[[CodeType], CodePace | None]) -> Callbacks:
    get_ident = threading.get_ident

    def begins(code: CodeType, _offset: int) -> Any:
        trace = traces.get(get_ident())
        if trace is None or id(code) in paces or running_step(trace) is None:
            return DISABLE
        try:
            pace = discover(code)
            # Loopwatch's own code, which ends a step that was not observed, is none of the step that has just begun.
            running = None if pace is None else begun(trace)
            if pace is not None and running is not None:
                pace.active += 1
                running.stack.append((pace, id(sys._getframe(1)), now()))  # noqa: SLF001
        except Exception as error:  # noqa: BLE001 - the user's code must not notice
            trace.note_failure(error)
        return DISABLE

    return {events.PY_START: begins, events.PY_RESUME: begins}


def timer_callbacks(traces: Traces, timed: Timed, give_up: GiveUp, follower: Follower) -> Callbacks:
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
        events.CALL: _calls(traces, timed, follower),
        events.C_RETURN: returns_from_c,
        events.C_RAISE: returns_from_c,
    }


def _begins(traces: Traces, timed: Timed, give_up: GiveUp) -> Callable[..., None]:
    get_ident, get_frame = threading.get_ident, sys._getframe  # noqa: SLF001

    def elsewhere(pace: CodePace) -> None:
        """No step that is traced runs it: it pays, and earns nothing."""
        pace.note(0.0)
        if pace.credits < 0.0 and not pace.active:
            with contextlib.suppress(Exception):  # the user's code must not notice
                give_up(pace, None)

    def begins(code: CodeType, _offset: int, depth: int = 1) -> None:
        pace = timed.get(id(code))
        if pace is None:
            return
        trace = traces.get(get_ident())
        if trace is None or trace.clock.handle is None or trace.step != trace.clock.started:
            running = None if trace is None else begun(trace)
            if running is None:
                elsewhere(pace)
                return
            trace = running
        pace.active += 1
        trace.stack.append((pace, id(get_frame(depth)), now()))

    return begins


def _calls(traces: Traces, timed: Timed, follower: Follower) -> Callable[..., Any]:
    get_ident, get_frame = threading.get_ident, sys._getframe  # noqa: SLF001

    calls_python, new_place = _calls_python(traces, follower), _new_place(follower)

    def calls(code: CodeType, offset: int, function: Any, _argument: object) -> Any:
        kind = type(function)
        if kind is FunctionType or kind is MethodType:
            return calls_python(function)
        trace = traces.get(get_ident())
        code_pace = timed.get(id(code))
        if trace is None or code_pace is None:
            return None
        if trace.clock.handle is None or trace.step != trace.clock.started:
            running = begun(trace)
            if running is None:
                return None
            trace = running
        pace = code_pace.calls.get(offset)
        if pace is None:
            pace = new_place(code_pace, offset, trace, function)
        elif pace.credits < 0.0 and not pace.active:
            return DISABLE
        pace.active += 1
        trace.stack.append((pace, ~id(get_frame(1)), now()))
        return None

    return calls


def _calls_python(traces: Traces, follower: Follower) -> Callable[[Any], Any]:
    get_ident = threading.get_ident

    def calls_python(function: Any) -> Any:
        if not follower.is_following:
            return DISABLE  # the scout is told when it begins
        trace = traces.get(get_ident())
        if trace is not None and begun(trace) is not None:
            _follow(follower, trace, function)
        return None

    return calls_python


def _new_place(follower: Follower) -> Callable[..., Pace]:
    def new_place(code_pace: CodePace, offset: int, trace: StepTrace, function: Any) -> Pace:
        if follower.is_following:
            _follow(follower, trace, function)  # it may be a class, or an object, written in Python
        pace = code_pace.calls[offset] = Pace()
        return pace

    return new_place


def _follow(follower: Follower, trace: StepTrace, function: Any) -> None:
    try:
        follower.follow(function)
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
        pace, _, started = stack.pop()
        pace.active -= 1
        times = (ended - started) / trace.worthwhile_s
        pace.note(times)
        if times >= 1.0:
            trace.call_ended(frame, None, started, ended, stack[-1][2] if stack else None)
        elif pace.credits < 0.0 and not pace.active:
            try:
                give_up(pace, trace)
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
        pace, _, started = stack.pop()
        pace.active -= 1
        times = (ended - started) / trace.worthwhile_s
        pace.note(times)
        if times >= 1.0:
            trace.call_ended(frame, function, started, ended, stack[-1][2] if stack else None)

    return returns_from_c


def begun(trace: StepTrace) -> StepTrace | None:
    """The loop of this thread that runs a step to be traced, ready for that step; ``None`` when none does."""
    running = running_step(trace)
    if running is not None and running.step != running.clock.started:
        running.drop_calls()
        running.begin(running.clock.started)
    return running


def running_step(trace: StepTrace) -> StepTrace | None:
    return next((each for each in siblings(trace) if each.clock.handle is not None and each.is_open), None)


def busy(trace: StepTrace) -> StepTrace | None:
    """The loop of this thread that runs a step of which calls are going on."""
    return next((each for each in siblings(trace) if each.clock.handle is not None and each.stack), None)


def siblings(trace: StepTrace) -> list[StepTrace]:
    found = [trace]
    while (following := found[-1].sibling) is not None:
        found.append(following)
    return found


def unwind(stack: list[Any], key: int) -> bool:
    """Drop the calls whose end was not told, if the call ``key`` is below them; whether it is."""
    if not any(each == key for _, each, _ in stack):
        return False
    while stack[-1][1] != key:
        stack.pop()[0].active -= 1
    return True
