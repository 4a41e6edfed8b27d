"""The stopwatch: times every step of the loops that are watched.

Every callback of asyncio's own loops, timers included, is run by ``asyncio.events.Handle._run``. Wrapping that method
once, for the class, times them all: two clock reads and a comparison a step, part of which is won back by calling the
callback at once (``handle_run``). The wrapper runs on the loop's thread and does nothing else there; a stall costs it
one append and one wake-up of the watchdog.
"""

import asyncio
import threading
import time
import weakref
from asyncio.events import Handle
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.clock import NEVER, now
from loopwatch.detection.cpu_clocks import CpuReading, RunDelay, cpu_clock_id
from loopwatch.detection.free_threading import is_gil_enabled
from loopwatch.detection.handle_run import Run, report_as_asyncio, runs_as_asyncio
from loopwatch.detection.in_flight import InFlight, RequestInFlight
from loopwatch.detection.seen import Seen
from loopwatch.detection.usage import UsageMeter

if TYPE_CHECKING:
    from loopwatch.detection.traced_requests import TracedRequests
    from loopwatch.detection.tracing.step_trace import Trace


class UnobservedStep:
    """Stands for the handle of a step that had begun before the stopwatch was there to time it."""

    __slots__ = ("_callback", "_context", "started")

    def __init__(self, task: "asyncio.Task[Any] | None", started: float) -> None:
        self.started = started
        self._context: Context = copy_context()
        self._callback = None if task is None else task.get_name  # a method bound to the task, as in a task's handle


EVERY_STEP = "every step"
AnyHandle = object
"""An ``asyncio.Handle``, or what stands for one: it has its ``_callback`` and ``_context``."""


class Watching(Protocol):
    """Somebody who wants to know of stalls. ``receive`` is called on the watchdog's thread and must return at once.

    ``ongoing_after_s`` is the age from which a stall is reported while it still goes on.
    """

    engine: str
    threshold_s: float
    ongoing_after_s: float
    entered: float

    def receive(self, call: BlockingCall) -> None: ...


class StepTracer(Protocol):
    """Times the calls of one loop's steps. Its thread calls ``begin_step`` and ``end_step`` around every step if the
    clock is to tell of them, and ``begin_step`` in the middle of a step that has begun unseen.

    A step begun ``thoroughly`` is traced whatever has proved quick before. After ``rest`` no step is traced until one
    is begun again. ``follow`` tells of what a step is about to call, unseen. ``relieve``, from any thread, lets a step
    that takes long go on without whatever slows it down.
    """

    needs_every_step: bool

    def begin_step(self, *, thoroughly: bool = False) -> None: ...

    def end_step(self) -> None: ...

    def rest(self) -> None: ...

    def follow(self, function: object) -> None: ...

    def relieve(self) -> None: ...

    def moved(self, thread_id: int) -> None: ...

    def set_threshold(self, threshold_s: float) -> None: ...

    def trace(self, step: float, *, is_over: bool) -> "Trace | None":
        """What is known of the step that began then; ``None`` if nothing is. From any thread.

        Of a step that is over, nothing more may become known.
        """


@dataclass(frozen=True, slots=True)
class Stall:
    """A step, or the part of one that a ``watch()`` block covers, that reached a threshold. Times are ``now()``.

    ``cpu`` was read at its end. ``request`` is the one that the step ran for. ``is_for_request``: the step was traced
    because its request is.
    """

    clock: "LoopClock"
    handle: AnyHandle
    step_started: float
    ended: float
    cpu: CpuReading
    watchers: tuple[Watching, ...]
    waiting: int
    trace: "Trace | None" = None
    is_for_request: bool = False
    delayed: tuple[RequestInFlight, ...] = ()
    request: RequestInFlight | None = None

    @property
    def threshold_s(self) -> float:
        """The lowest of its watchers', some of which may have left the loop by now."""
        return min((watcher.threshold_s for watcher in self.watchers), default=NEVER)


class LoopClock:
    """What the stopwatch knows of one loop; written by the loop's thread, read by the watchdog.

    ``handle`` is set exactly while a step runs, and ``started`` is when it began. ``attention`` asks the loop's thread
    to call ``attend`` as its next step begins: once if it is true, at every step if it is ``EVERY_STEP``. A step that
    lasts ``ends_from_s`` or longer calls ``end_step``.
    """

    __slots__ = (
        "__weakref__",
        "_hand_over",
        "_watchdog_cpu_s",
        "attention",
        "cpu_clock_id",
        "ends_from_s",
        "first_reading",
        "first_turns",
        "handle",
        "in_flight",
        "loop",
        "mark_of",
        "ongoing_after_s",
        "owner",
        "paused",
        "requests",
        "run_delay",
        "seen",
        "started",
        "thread_id",
        "threshold_s",
        "tracer",
        "usage",
        "wake_watchdog",
        "watchers",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hand_over: Callable[[Stall], None],
        wake_watchdog: Callable[[], None],
        watchdog_cpu_s: Callable[[], float],
    ) -> None:
        self._watchdog_cpu_s = watchdog_cpu_s
        self.loop = weakref.ref(loop)
        self.owner: asyncio.AbstractEventLoop | None = None
        """The loop while it is watched: by it the stopwatch knows the clock that it has used last."""
        self.thread_id = threading.get_ident()
        self.cpu_clock_id = cpu_clock_id(self.thread_id)
        self.run_delay = RunDelay(threading.get_native_id())
        self.first_turns = self.run_delay.read()
        self.first_reading = self.read_cpu()
        self.seen = Seen(self.first_reading)
        self.handle: AnyHandle | None = None
        self.started = 0.0
        self.threshold_s = self.ends_from_s = self.ongoing_after_s = NEVER
        self.watchers: tuple[Watching, ...] = ()
        self.in_flight = InFlight()
        self.usage = UsageMeter(self.first_reading, self.run_delay)
        self.mark_of: Callable[[Context], object | None] | None = None
        """Asked for the ``mark`` of an overdue step, with a copy of its context; it must neither raise nor wait."""
        self.attention: bool | str = False
        self.tracer: StepTracer | None = None
        self.requests: TracedRequests | None = None
        """Those of the loop that are traced by themselves, while there are any."""
        self.paused = (0.0, 0.0)
        self._hand_over = hand_over
        self.wake_watchdog = wake_watchdog

    def set_watchers(self, watchers: tuple[Watching, ...]) -> None:
        self.watchers = watchers
        self.threshold_s = min((watcher.threshold_s for watcher in watchers), default=NEVER)
        if self.ends_from_s >= 0:
            self.ends_from_s = self.threshold_s
        self.ongoing_after_s = min((watcher.ongoing_after_s for watcher in watchers), default=NEVER)

    def tell_of_every_step(self) -> None:
        """If the tracer or the requests being traced need it; to be called when either has come or gone."""
        tell = self.requests is not None or (self.tracer is not None and self.tracer.needs_every_step)
        self.ends_from_s = -1.0 if tell else self.threshold_s
        if self.attention is not True:
            self.attention = EVERY_STEP if tell else False
        self.wake_watchdog()  # it may have asked for attention just now

    def read_cpu(self) -> CpuReading:
        try:
            thread_s = None if self.cpu_clock_id is None else time.clock_gettime(self.cpu_clock_id)
        except OSError:  # the thread is gone
            thread_s = None
        return CpuReading(now(), thread_s, self._watchdog_cpu_s(), time.process_time())

    def mark(self, handle: AnyHandle) -> object | None:
        """What is to be kept of the context a step runs in. On the watchdog's thread."""
        context: Context | None = getattr(handle, "_context", None)
        if self.mark_of is None or context is None or not is_gil_enabled():
            return None
        return self.mark_of(context.copy())

    def end_step(self, handle: AnyHandle, started: float, ended: float) -> None:
        """Give a step that reached the threshold to the watchdog."""
        if self.requests is not None:
            self.requests.end_step(handle, started, ended)
            return
        if self.tracer is not None:
            self.tracer.end_step()
        ended -= self.paused_in(started)
        if ended - started >= self.threshold_s:
            self.hand_over(handle, started, ended, self.watchers)

    def hand_over(
        self,
        handle: AnyHandle,
        started: float,
        ended: float,
        watchers: tuple[Watching, ...],
        *,
        is_over: bool = True,
        is_for_request: bool = False,
    ) -> None:
        """Give a stall to the watchdog, with what is known of it now."""
        trace = None if self.tracer is None else self.tracer.trace(started, is_over=is_over)
        own = self.in_flight.own(handle)
        waiting, delayed = self.in_flight.others(own), self.in_flight.some(own)
        seen = started, ended, self.read_cpu()
        self._hand_over(Stall(self, handle, *seen, watchers, waiting, trace, is_for_request, delayed, own))

    def end_part(self, watcher: Watching, ended: float) -> bool:
        """Give the part of the running step that ``watcher`` saw to the watchdog, if it reached its threshold."""
        handle = self.handle
        if handle is None or ended - max(self.started, watcher.entered) < watcher.threshold_s:
            return False
        self.hand_over(handle, self.started, ended - self.paused_in(self.started), (watcher,), is_over=False)
        return True

    def pause(self, duration_s: float) -> None:
        """Do not count this much of the running step: it was the monitor's own."""
        self.paused = (self.started, self.paused_in(self.started) + duration_s)

    def attend(self, outer: AnyHandle | None) -> AnyHandle | None:
        """A step has begun after a rest, or after a step that was not observed and so has no end of its own."""
        if self.attention is EVERY_STEP and outer is None:
            self._begin_step()
            return None
        is_watchdog_asking = self.attention is True
        if is_watchdog_asking:
            self.attention = False if self.ends_from_s >= 0 else EVERY_STEP
        thread_id = threading.get_ident()
        if thread_id != self.thread_id:
            self._move_to(thread_id)
        if isinstance(outer, UnobservedStep):
            # The loop turns at once from the end of that step to this one: ``watch()`` has scheduled a callback.
            self.end_step(outer, outer.started, self.started)
            outer = None
        if self.ends_from_s < 0:
            self._begin_step()
        if is_watchdog_asking:
            self.wake_watchdog()
        return outer

    def _begin_step(self) -> None:
        """For whoever is told of every step."""
        if self.requests is not None:
            self.requests.begin_step()
        elif self.tracer is not None:
            self.tracer.begin_step()

    def _move_to(self, thread_id: int) -> None:
        """The loop runs in another thread now, which is the calling one."""
        self.thread_id, self.cpu_clock_id = thread_id, cpu_clock_id(thread_id)
        self.run_delay = RunDelay(threading.get_native_id())
        if self.tracer is not None:
            self.tracer.moved(thread_id)

    def paused_in(self, started: float) -> float:
        return self.paused[1] if self.paused[0] == started else 0.0


ClockOf = Callable[[asyncio.AbstractEventLoop], LoopClock | None]


class Stopwatch:
    """Wraps ``Handle._run`` while at least one loop is watched, and puts it back afterwards.

    Somebody else may have wrapped the method before or after. If, when it ends, the method is no longer the one it put
    there, its wrapper stays in the chain and passes every step on unseen, until it is needed again.
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
class _Nobodys:
    """Stands for the clock used last, before any."""

    owner: object = field(default_factory=object)


# The hot paths: all they touch is a cell, a local or a slot. The order matters: ``handle`` and ``started`` are set
# before ``attention`` is read, the watchdog sets ``attention`` before it reads them, so one sees the other. A step
# inside a step (nest_asyncio) lets the thread serve others, so the outer one is timed anew after it. Both are written
# out, because what they share would be one more call for every step.


def _timed_as_asyncio_runs(run: Run, clock_of: ClockOf) -> Run:
    """Does what ``Handle._run`` does, too. Most callbacks have no arguments, and called without any they are that much
    quicker that it makes up for being timed."""
    latest: Any = _Nobodys()

    def _run(self: Any) -> None:
        nonlocal latest
        clock = latest
        if clock.owner is not self._loop:
            clock = clock_of(self._loop)
            if clock is None:
                run(self)
                return
            latest = clock
        outer = clock.handle
        clock.handle = self
        clock.started = now()
        if clock.attention:
            outer = clock.attend(outer)
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
            if ended - clock.started >= clock.ends_from_s:
                clock.end_step(self, clock.started, ended)
            clock.handle = outer
            if outer is not None:
                clock.started = ended

    return _run


def _timed_around(run: Run, clock_of: ClockOf) -> Run:
    """Calls the method that somebody else has put there."""

    def _run(self: Any) -> None:
        clock = clock_of(self._loop)
        if clock is None:
            run(self)
            return
        outer = clock.handle
        clock.handle = self
        clock.started = now()
        if clock.attention:
            outer = clock.attend(outer)
        try:
            run(self)
        finally:
            ended = now()
            if ended - clock.started >= clock.ends_from_s:
                clock.end_step(self, clock.started, ended)
            clock.handle = outer
            if outer is not None:
                clock.started = ended

    return _run
