"""Tracing by ``sys.monitoring``, for Python 3.12 and later.

Two tools share the work (``monitoring_tools``). The *scout* sees the beginning of code that is new to it, once for
every code object. If a traced step runs that code, the scout gives it to the *timer*, which sees its calls and returns
until the code has proved quick (``timing_budget``). From then on the interpreter runs the code without any event. Code
that turns slow later goes back to the timer (``time_again``). So a warmed-up process pays for slow calls only.

If only single requests are traced, there is no scout, because it would slow all code of the process down for a moment.
The timer then begins with the code that a request's step stands in, and follows the calls from there
(``code_follower``). Python 3.12 has no event for some of these calls, so there the scout helps.
"""

import sys
import threading
from collections.abc import Iterable
from types import CodeType, FrameType

from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.timing.trace import Trace
from loopwatch.detection.tracing.code_follower import CodeFollower
from loopwatch.detection.tracing.monitoring_callbacks import scout_callbacks, siblings, timer_callbacks
from loopwatch.detection.tracing.monitoring_tools import ALL_CALLS_HAVE_EVENTS, Scout, Timer, free_tool_ids
from loopwatch.detection.tracing.step_trace import StepTrace, worthwhile_s
from loopwatch.detection.tracing.timed_code import TimedCode


class MonitoringTracer:
    """The loops whose steps are traced. The tools are installed while there are any."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._traces: dict[int, StepTrace] = {}
        """The traces by thread. The first loop of a thread has the others as siblings."""
        self._scouted: set[LoopClock] = set()
        """The loops of which every step is traced."""
        self._scout, self._timer = Scout(), Timer()
        self._timed_code = TimedCode(self._timer)
        self.follower = CodeFollower(self._timed_code)
        self._scout_callbacks = scout_callbacks(self._traces, self._timed_code)
        self._timer_callbacks = timer_callbacks(self._traces, self._timed_code, self.follower.follow)

    def check(self, *, every_step: bool) -> None:
        with self._lock:
            self._free_ids(with_scout=every_step or not ALL_CALLS_HAVE_EVENTS)

    def start(self, clock: LoopClock, *, every_step: bool) -> None:
        with self._lock:
            scouted = self._scouted | {clock} if every_step else self._scouted - {clock}
            with_scout = bool(scouted) or not ALL_CALLS_HAVE_EVENTS
            self._install(with_scout=with_scout)
            self._set_scouted(scouted)
            if not with_scout:
                self._scout.remove()
            if clock.tracer is not None:
                clock.tracer.set_threshold(clock.threshold_s)
                return
            trace = StepTrace(clock)
            clock.tracer = tracer = MonitoredSteps(trace, self)
            self._add(trace, clock.thread_id)
        if every_step and clock.handle is not None and clock.thread_id == threading.get_ident():
            tracer.begin_step()

    def stop(self, clock: LoopClock) -> None:
        with self._lock:
            tracer, clock.tracer = clock.tracer, None
            if not isinstance(tracer, MonitoredSteps):
                return
            self._forget(tracer.steps)
            self._set_scouted(self._scouted - {clock})
            if not self._scouted and (ALL_CALLS_HAVE_EVENTS or not self._traces):
                self._scout.remove()
            if not self._traces:
                self._timer.remove(self._timed_code.codes())
                self._timed_code.clear()

    def move(self, trace: StepTrace, thread_id: int) -> None:
        """Note that the loop runs in another thread now."""
        with self._lock:
            self._forget(trace)
            self._add(trace, thread_id)

    def replace_lock(self) -> None:
        self._lock = threading.RLock()

    def time_again(self, codes: Iterable[CodeType]) -> None:
        with self._lock:
            if self._timer.is_installed:
                self._timed_code.time_again(codes)

    def time_running_code(self, frame: FrameType | None) -> None:
        """Time the code on the stack of the running step, which may have begun before it was traced."""
        codes = self._timed_code.unknown_on_stack(frame)
        if codes:
            with self._lock:
                for code in codes if self._timer.is_installed else ():
                    self._timed_code.time(code)

    def _set_scouted(self, clocks: set[LoopClock]) -> None:
        self._scouted = clocks
        self._timed_code.is_following = not clocks

    def _add(self, trace: StepTrace, thread_id: int) -> None:
        trace.sibling = self._traces.get(thread_id)
        self._traces[thread_id] = trace

    def _forget(self, trace: StepTrace) -> None:
        for thread_id, first in list(self._traces.items()):
            left = [each for each in siblings(first) if each is not trace]
            del self._traces[thread_id]
            for each in reversed(left):
                self._add(each, thread_id)

    def _free_ids(self, *, with_scout: bool) -> list[int]:
        """Return ids for the tools still needed. Raises ``TracingUnavailableError`` if too few are free."""
        return free_tool_ids((not self._timer.is_installed) + (with_scout and not self._scout.is_installed))

    def _install(self, *, with_scout: bool) -> None:
        free = self._free_ids(with_scout=with_scout)
        if with_scout and not self._scout.is_installed:
            self._scout.install(free.pop(0), self._scout_callbacks)
        if not self._timer.is_installed:
            self._timer.install(free.pop(0), self._timer_callbacks)


class MonitoredSteps:
    """The tracing of one loop's steps, as the loop's clock uses it."""

    needs_every_step = False

    def __init__(self, steps: StepTrace, tracer: MonitoringTracer) -> None:
        self.steps = steps
        self._tracer = tracer

    def set_threshold(self, threshold_s: float) -> None:
        self.steps.worthwhile_s = worthwhile_s(threshold_s)

    def begin_step(self, *, thoroughly: bool = False) -> None:
        self.steps.is_open = True
        if thoroughly:
            self._tracer.follower.follow_step(self.steps.clock.handle)
        self._tracer.time_running_code(sys._getframe(1))  # noqa: SLF001

    def end_step(self) -> None:
        """Do nothing: the first call of the next step notices."""

    def follow(self, function: object) -> None:
        self._tracer.follower.follow(function)

    def rest(self) -> None:
        if self.steps.is_open:
            self.steps.is_open = False
            self.steps.drop_calls()

    def relieve(self) -> None:
        """Do nothing: code that is called again and again has been given up already."""

    def moved(self, thread_id: int) -> None:
        self._tracer.move(self.steps, thread_id)

    def trace(self, step: float, *, is_over: bool) -> Trace | None:
        return self.steps.trace(step, is_over=is_over)
