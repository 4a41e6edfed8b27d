"""Tracing by ``sys.monitoring``, for Python 3.12 and later.

Two tools share the work. The *scout* is told when code begins that it has not seen before, once for every code object;
it hands code that a watched step runs to the *timer*, which is told of its calls and returns until it has proved quick
(``pace``). From then on the interpreter runs that code as if nobody was there. Code that turns slow later is handed to
the timer again (``look_closer``). So a process that has warmed up pays for the calls that take long, and for them only.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any

from loopwatch.detection.clock import now
from loopwatch.detection.ownership import Owner, owner_of_file
from loopwatch.detection.sampling import is_where_steps_begin
from loopwatch.detection.stopwatch import LoopClock
from loopwatch.detection.tracing.monitoring_callbacks import scout_callbacks, siblings, timer_callbacks
from loopwatch.detection.tracing.pace import FIRST_CREDITS, THOROUGH_CREDITS, CodePace
from loopwatch.detection.tracing.step_trace import StepTrace, Trace, worthwhile_s
from loopwatch.detection.tracing.tracer import TracingUnavailableError

monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
events = monitoring.events

SCOUT, TIMER = "loopwatch scout", "loopwatch timer"
# Ids 0 to 2 are by convention those of debuggers, coverage and profilers, and 5 is that of optimizers.
_TOOL_IDS = (3, 4, 5, 2, 1, 0)
_BEGINS = events.PY_START | events.PY_RESUME
_TIMED = _BEGINS | events.PY_RETURN | events.PY_YIELD | events.CALL
_TIMED_EVERYWHERE = events.PY_UNWIND | events.PY_THROW
"""Which the interpreter does not tell by code object; they are rare."""
MAX_CODES = 20_000
MAX_HIDDEN = 300
_ASYNCIO = os.path.dirname(asyncio.__file__) + os.sep  # noqa: PTH120


class MonitoringTracer:
    """The two tools, and the loops whose steps they time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._traces: dict[int, StepTrace] = {}
        """By thread; more loops of the same thread follow as siblings."""
        self._paces: dict[int, CodePace] = {}
        """By the id of the code object, which the pace keeps alive."""
        self._timed: dict[int, CodePace] = {}
        self._scout = self._timer = -1
        self._first_credits = FIRST_CREDITS
        self._is_anything_missing = True
        self._scout_callbacks = scout_callbacks(self._traces, self._paces, self._discover, self._pass_over)
        self._timer_callbacks = timer_callbacks(self._traces, self._timed, self._give_up)

    def check(self) -> None:
        with self._lock:
            if self._timer >= 0:
                return
            free = [tool for tool in _TOOL_IDS if monitoring.get_tool(tool) is None]
            if len(free) < 2:
                raise TracingUnavailableError(_unavailable())

    def start(self, clock: LoopClock) -> None:
        with self._lock:
            if clock.tracer is not None:
                clock.tracer.set_threshold(clock.threshold_s)
                return
            self._install()
            trace = StepTrace(clock)
            clock.tracer = tracer = MonitoredSteps(trace, self)
            trace.sibling = self._traces.get(clock.thread_id)
            self._traces[clock.thread_id] = trace
        if clock.handle is not None and clock.thread_id == threading.get_ident():
            tracer.begin_step()

    def stop(self, clock: LoopClock) -> None:
        with self._lock:
            tracer, clock.tracer = clock.tracer, None
            if not isinstance(tracer, MonitoredSteps):
                return
            self.forget(tracer.steps)
            if not self._traces:
                self._uninstall()

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

    def look_closer(self, codes: Iterable[CodeType]) -> None:
        with self._lock:
            if self._timer < 0:
                return
            for code in codes:
                pace = self._pace_of(code)
                for each in (pace, *list(pace.hidden)[:MAX_HIDDEN]):
                    if each.suspect(now()):
                        # Off and on again: places in it that call C functions may have been switched off one by one.
                        monitoring.set_local_events(self._timer, each.code, 0)
                        self.time(each)

    def time_running_code(self, frame: FrameType | None) -> None:
        """The step that runs may have begun unseen, and so has the code on its stack."""
        codes = []
        while frame is not None and not is_where_steps_begin(frame.f_code, str(frame.f_globals.get("__name__", ""))):
            if not _is_plumbing(frame.f_code.co_filename) and id(frame.f_code) not in self._paces:
                codes.append(frame.f_code)
            frame = frame.f_back
        if codes:
            with self._lock:
                for code in codes if self._timer >= 0 else ():
                    self.time(self._pace_of(code))

    def start_afresh(self) -> None:
        """Time the code that runs now as if it had not been seen before: other steps have found it quick, or new."""
        if not self._is_anything_missing or not self._lock.acquire(blocking=False):
            return
        try:
            if self._timer >= 0:
                self._forget_quick_code()
                for pace in self._timed.values():
                    pace.start_afresh(THOROUGH_CREDITS)
                self._first_credits = THOROUGH_CREDITS
                self._is_anything_missing = False
                monitoring.restart_events()
        finally:
            self._lock.release()

    def time(self, pace: CodePace) -> None:
        monitoring.set_local_events(self._timer, pace.code, _TIMED)
        self._timed[id(pace.code)] = pace
        pace.is_timed = True

    def _discover(self, code: CodeType) -> CodePace | None:
        """A watched step runs code that nobody has seen yet."""
        if _is_plumbing(code.co_filename):
            return None
        pace = self._pace_of(code)
        self.time(pace)
        return pace

    def _pass_over(self) -> None:
        """Code that nobody has seen yet runs where nothing is traced. The scout will not be told of it again."""
        self._is_anything_missing = True

    def _pace_of(self, code: CodeType) -> CodePace:
        pace = self._paces.get(id(code))
        if pace is None:
            if len(self._paces) >= MAX_CODES:
                self._forget_quick_code()
            pace = self._paces[id(code)] = CodePace(code, self._first_credits)
        return pace

    def _forget_quick_code(self) -> None:
        for code_id, pace in list(self._paces.items()):
            pace.hidden.clear()
            if not pace.is_timed:
                del self._paces[code_id]

    def _give_up(self, pace: CodePace, trace: StepTrace | None) -> None:
        """It has been quick often enough."""
        if not pace.is_given_up(now()):
            return
        monitoring.set_local_events(self._timer, pace.code, 0)
        self._timed.pop(id(pace.code), None)
        pace.is_timed = False
        self._is_anything_missing = True
        if trace is None:
            return
        caller = next((each for each, _, _ in reversed(trace.stack) if isinstance(each, CodePace)), None)
        if caller is not None and len(caller.hidden) < MAX_HIDDEN:
            caller.hidden.add(pace)

    def _install(self) -> None:
        if self._timer >= 0:
            return
        free = [tool for tool in _TOOL_IDS if monitoring.get_tool(tool) is None]
        if len(free) < 2:
            raise TracingUnavailableError(_unavailable())
        scout, timer = free[:2]
        monitoring.use_tool_id(scout, SCOUT)
        monitoring.use_tool_id(timer, TIMER)
        self._scout, self._timer = scout, timer
        for tool, callbacks in ((scout, self._scout_callbacks), (timer, self._timer_callbacks)):
            for event, callback in callbacks.items():
                monitoring.register_callback(tool, event, callback)
        monitoring.set_events(scout, _BEGINS)
        monitoring.set_events(timer, _TIMED_EVERYWHERE)
        # What an earlier scout was not to be told again holds for as long as the code has not run without one.
        monitoring.restart_events()

    def _uninstall(self) -> None:
        scout, timer = self._scout, self._timer
        if timer < 0:
            return
        self._scout = self._timer = -1
        self._first_credits = FIRST_CREDITS
        for pace in list(self._paces.values()):
            if pace.is_timed:
                monitoring.set_local_events(timer, pace.code, 0)
        for tool, callbacks in ((scout, self._scout_callbacks), (timer, self._timer_callbacks)):
            monitoring.set_events(tool, 0)
            for event in callbacks:
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)
        self._paces.clear()
        self._timed.clear()


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
            self._tracer.start_afresh()
        self._tracer.time_running_code(sys._getframe(1))  # noqa: SLF001

    def end_step(self) -> None:
        """The first call of the next step notices."""

    def rest(self) -> None:
        if self.steps.is_open:
            self.steps.is_open = False
            self.steps.drop_calls()

    def moved(self, thread_id: int) -> None:
        self._tracer.move(self.steps, thread_id)

    def trace(self, step: float) -> Trace | None:
        return self.steps.trace(step)


def _is_plumbing(filename: str) -> bool:
    return filename.startswith(_ASYNCIO) or owner_of_file(filename) is Owner.PLUMBING


def _unavailable() -> str:
    holders = [f"{tool} by {name!r}" for tool in range(6) if (name := monitoring.get_tool(tool)) is not None]
    return (
        "Tracing needs two of the six tool ids of sys.monitoring, and fewer are free: "
        f'{", ".join(holders)}. End one of these tools, or use engine="sampling"'
    )
