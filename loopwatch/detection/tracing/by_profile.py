"""Tracing by ``sys.setprofile``, for Python 3.11.

The interpreter calls the profile function at every call and every return, so each of its statements counts. It pushes
the time when a call begins, pops it when one ends, and does nothing else unless the call took long. The run of a
coroutine between two awaits is a call too. The profile function is set only while a step runs. If another one is set
already, it is called as well, and restored after the step.

Single code objects cannot be left out, but steps can. Steps of a coroutine or callback that has proved quick run
untraced, until one of them is a stall (``step_budget``). A step that computes for long goes on untraced (``relieve``),
because under a profile function the interpreter does without its specialized instructions: a loop that appends to a
string, for example, then copies the whole string every time.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any

from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.cpython.sites import is_where_steps_begin
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.timing.trace import Trace
from loopwatch.detection.tracing.profile_slot import ProfileSlot
from loopwatch.detection.tracing.step_budget import StepBudgets
from loopwatch.detection.tracing.step_trace import StepTrace, worthwhile_s
from loopwatch.detection.tracing.tracer import TracingUnavailableError

logger = logger_of()

ProfileFunction = Callable[[FrameType, str, Any], object]

_UNAVAILABLE = (
    "A profiler written in C ({}) is running on this thread, and Python 3.11 has room for one only: "
    'stop it, or use engine="sampling"'
)


class ProfileTracer:
    """Sets a profile function in every step of the loops started."""

    def check(self, *, every_step: bool) -> None:  # noqa: ARG002 - both need the same
        current: Any = sys.getprofile()
        if current is not None and not callable(current):
            raise TracingUnavailableError(_UNAVAILABLE.format(type(current).__name__))

    def start(self, clock: LoopClock, *, every_step: bool) -> None:
        if clock.tracer is not None:
            clock.tracer.set_threshold(clock.threshold_s)
            return
        clock.tracer = tracer = ProfiledSteps(clock)
        if every_step and clock.handle is not None and clock.thread_id == threading.get_ident():
            tracer.begin_step()

    def stop(self, clock: LoopClock) -> None:
        tracer, clock.tracer = clock.tracer, None
        if isinstance(tracer, ProfiledSteps):
            tracer.stop()

    def replace_lock(self) -> None:
        """Do nothing: there is no lock."""

    def time_again(self, codes: Iterable[CodeType]) -> None:
        """Do nothing: every call is timed anyway."""


class ProfiledSteps:
    """The profile function of one loop's steps. The loop's thread calls ``begin_step`` and ``end_step``."""

    needs_every_step = True

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self._trace = StepTrace(clock)
        self._budgets = StepBudgets()
        self._starts: list[float] = []
        self._worthwhile_s = self._trace.worthwhile_s
        self._set_worthwhile: Callable[[float], None]
        self._profile = self._profile_function()
        self._slots = threading.local()
        self._slot: ProfileSlot | None = None
        """The slot of the thread that runs the step, while it holds this profile function and no other."""
        self._installed: ProfileFunction | None = None
        self._before: ProfileFunction | None = None
        self._is_stopped = False
        self._has_warned = False

    def set_threshold(self, threshold_s: float) -> None:
        self._trace.worthwhile_s = self._worthwhile_s = worthwhile_s(threshold_s)
        self._set_worthwhile(self._worthwhile_s)

    def begin_step(self, *, thoroughly: bool = False) -> None:
        clock = self._clock
        if self._budgets.is_quick(clock.handle, clock.started) and not thoroughly:
            return
        self._starts.clear()
        self._trace.begin(clock.started)
        current: Any = sys.getprofile()
        if current is None:
            self._installed, self._before = self._profile, None
            sys.setprofile(self._profile)
            self._slot = self._slot_of_this_thread()
        elif current is not self._installed:  # else it is a step inside a step
            self._begin_beside(current)

    def end_step(self) -> None:
        """Restore the profile function from before the step, unless the step has set another."""
        if self._installed is not None:
            self._put_back()
        self._budgets.note(self._clock.started, now(), self._clock.threshold_s)

    def follow(self, function: object) -> None:
        """Do nothing: every call of a step is timed anyway."""

    def rest(self) -> None:
        """Skip the step. The profile function is set only after ``begin_step``."""
        self._budgets.skip()

    def relieve(self) -> None:
        """End the tracing of the running step, from any thread. Samples explain the rest of it."""
        slot = self._slot
        if slot is not None:
            slot.empty()

    def _slot_of_this_thread(self) -> ProfileSlot:
        try:
            slot: ProfileSlot = self._slots.slot
        except AttributeError:
            slot = self._slots.slot = ProfileSlot(self._profile)
        return slot

    def _put_back(self) -> None:
        self._slot = None
        current = sys.getprofile()
        if current is self._installed:
            sys.setprofile(self._before)
        elif current is self._profile:
            sys.setprofile(None)
        self._installed = self._before = None

    def _begin_beside(self, current: Any) -> None:
        if not callable(current):
            self._warn(current)
            return
        self._before = None if current is self._profile else current
        self._installed = self._profile if self._before is None else self._chained(self._before)
        sys.setprofile(self._installed)

    def moved(self, thread_id: int) -> None:
        """Do nothing: the profile function is set at each step anyway."""

    def stop(self) -> None:
        """Remove the profile function. If another thread calls this, the next call that ends removes it."""
        self._is_stopped = True
        if threading.get_ident() == self._clock.thread_id:
            self._put_back()
        else:
            self._set_worthwhile(-1.0)

    def trace(self, step: float, *, is_over: bool) -> Trace | None:
        return self._trace.trace(step, is_over=is_over)

    def _slow(self, frame: FrameType, event: str, argument: Any, started: float, ended: float) -> None:
        if self._is_stopped:
            self._put_back()
            return
        starts = self._starts
        function = None if event == "return" else argument
        if function is not None and is_where_steps_begin(frame.f_code, module_name(frame.f_globals)):
            return  # the step itself
        self._trace.call_ended(frame, function, started, ended, starts[-1] if starts else None)

    def _profile_function(self) -> ProfileFunction:
        starts, slow, worthwhile = self._starts, self._slow, self._worthwhile_s

        # It uses only locals and cells, and distinguishes the rarest events last.
        def profile(
            frame: FrameType,
            event: str,
            argument: Any,
            now: Callable[[], float] = now,
            push: Callable[[float], None] = starts.append,
            pop: Callable[[], float] = starts.pop,
        ) -> None:
            if event == "c_call" or event == "call":
                push(now())
                return
            try:
                if (ended := now()) - (started := pop()) > worthwhile:
                    slow(frame, event, argument, started, ended)
            except IndexError:
                pass  # the call began before the profile function was set

        def set_worthwhile(seconds: float) -> None:
            nonlocal worthwhile
            worthwhile = seconds

        self._set_worthwhile = set_worthwhile
        return profile

    def _chained(self, theirs: ProfileFunction) -> ProfileFunction:
        ours = self._profile

        def profile(frame: FrameType, event: str, argument: Any) -> None:
            ours(frame, event, argument)
            theirs(frame, event, argument)

        return profile

    def _warn(self, current: object) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning("Steps are only sampled, not traced. %s.", _UNAVAILABLE.format(type(current).__name__))
