"""The stopwatch: times every step of the loops that are watched.

Every callback of asyncio's own loops, timers included, is run by ``asyncio.events.Handle._run``. Wrapping that method
once, for the class, times them all: two clock reads and a comparison a step, part of which is won back by calling the
callback directly (``handle_run``). The wrapper runs on the loop's thread and does nothing else there; a stall costs it
one append and one wake-up of the watchdog.

``clock`` is the ``LoopClock`` of the step's loop; strict mode has another ``StepObserver``.
"""

from asyncio.events import Handle
from dataclasses import dataclass, field
from typing import Any, cast

from loopwatch.detection.cpython.sites import runs_steps
from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing.handle_run import Run, report_as_asyncio, runs_as_asyncio
from loopwatch.detection.timing.steps import ClockOf, begin_step


class Stopwatch:
    """Wraps ``Handle._run`` while at least one loop is watched, and puts it back afterwards.

    Other code may have wrapped the method before or afterwards. If ``uninstall`` finds another wrapper around this one,
    this one stays in the chain, and passes every step on untimed until a loop is watched again.
    """

    def __init__(self, clock_of: ClockOf) -> None:
        self._clock_of = clock_of
        self._original: Run | None = None
        self._wrapper: Run | None = None

    def install(self) -> None:
        if self._wrapper is None:
            handle_class = cast("Any", Handle)
            self._original = handle_class._run  # noqa: SLF001
            self._wrapper = handle_class._run = self._timed(handle_class._run)  # noqa: SLF001

    def uninstall(self) -> None:
        handle_class = cast("Any", Handle)
        if self._wrapper is not None and handle_class._run is self._wrapper:  # noqa: SLF001
            handle_class._run = self._original  # noqa: SLF001
            self._wrapper = self._original = None

    def _timed(self, run: Run) -> Run:
        timed = _timed_as_asyncio_runs if runs_as_asyncio(run) else _timed_around
        return timed(run, self._clock_of)


@dataclass(frozen=True, slots=True)
class _NoClock:
    """A placeholder that belongs to no loop, so that the first comparison fails."""

    owner: object = field(default_factory=object)


# The hot paths touch nothing but a cell, locals and slots. The order of statements matters: the loop's thread sets
# ``handle`` and ``started`` before it reads ``wants_step_begin``, and the watchdog sets ``wants_step_begin`` before it
# reads them, so one sees the other. A step inside a step (nest_asyncio) lets the loop serve others, so the outer step
# is timed again from there. Both functions are written out, because sharing code would add a call to every step.
#
# As they return, they forget the handle, as asyncio's own method does. The traceback of a task's error leads to their
# frames. If these led back to the task, only the garbage collector could free what the task refers to.


def _timed_as_asyncio_runs(run: Run, clock_of: ClockOf) -> Run:
    """Calls the callback itself, in place of ``Handle._run``. Most callbacks have no arguments; calling those without
    any saves about what the timing costs."""
    latest: Any = _NoClock()

    @runs_steps
    def _run(self: Any) -> None:
        nonlocal latest
        clock = latest
        if clock.owner is not self._loop:
            clock = clock_of(self._loop)
            if clock is None:
                run(self)
                self = None
                return
            latest = clock
        outer = clock.handle
        clock.handle = self
        clock.started = now()
        if clock.wants_step_begin or clock.started - clock.ended >= clock.gap_from_s:
            outer = begin_step(clock, outer)
        try:
            args = self._args
            if not args:
                self._context.run(self._callback)
            elif len(args) == 1:
                self._context.run(self._callback, args[0])
            else:
                self._context.run(self._callback, *args)
        except BaseException as error:  # noqa: BLE001 - asyncio lets out what is to end the loop
            report_as_asyncio(run, self, error)
        finally:
            ended = now()
            try:
                if ended - clock.started >= clock.ends_from_s:
                    clock.end_step(self, clock.started, ended)
            finally:  # a signal handler may raise meanwhile
                clock.handle = outer
                clock.ended = ended
                if outer is not None:
                    clock.started = ended
            self = args = None

    return _run


def _timed_around(run: Run, clock_of: ClockOf) -> Run:
    """Times a step around the call of ``run``, for when other code has replaced ``Handle._run``."""

    @runs_steps
    def _run(self: Any) -> None:
        clock = clock_of(self._loop)
        if clock is None:
            run(self)
            self = None
            return
        outer = clock.handle
        clock.handle = self
        clock.started = now()
        if clock.wants_step_begin or clock.started - clock.ended >= clock.gap_from_s:
            outer = begin_step(clock, outer)
        try:
            run(self)
        finally:
            ended = now()
            try:
                if ended - clock.started >= clock.ends_from_s:
                    clock.end_step(self, clock.started, ended)
            finally:  # a signal handler may raise meanwhile
                clock.handle = outer
                clock.ended = ended
                if outer is not None:
                    clock.started = ended
            self = None

    return _run
