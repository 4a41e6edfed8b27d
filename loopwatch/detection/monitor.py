"""The monitor of a process: who watches which loop, and the stopwatch and watchdog they share.

There is nothing while nobody watches: the first watcher installs the hook and starts the thread, the last one to leave
takes both away. Watchers come and go on any thread; a lock guards that, and nothing else waits for it.
"""

import asyncio
import os
import threading
from collections.abc import Iterable

from loopwatch.detection.calls import TRACING, BlockingCall
from loopwatch.detection.cpython.free_threading import warn_if_gil_is_off
from loopwatch.detection.cpython.known_versions import warn_if_later_than_known
from loopwatch.detection.cpython.sites import register_monitor
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import now, utc_of
from loopwatch.detection.sampling.cpu_budget import WatchdogFigures
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.sampling.watchdog import Watchdog
from loopwatch.detection.timing.loop_clock import LoopClock, Stall
from loopwatch.detection.timing.steps import StallSubscriber
from loopwatch.detection.timing.watched_loops import LoopHooks
from loopwatch.detection.tracing.engine import best_tracer
from loopwatch.detection.tracing.traced_requests import RequestTracing, TracedRequests
from loopwatch.detection.tracing.tracer import Tracer, TracingUnavailableError
from loopwatch.detection.verdict import blocking_call as report
from loopwatch.detection.verdict.debuggers import is_being_debugged
from loopwatch.detection.verdict.usual_culprits import UsualCulprits

logger = logger_of()
register_monitor(__name__)


class Monitor:
    """Joins watchers to loops. One a process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._hooks = LoopHooks(self._adopt)
        self._usual = UsualCulprits()
        self._watchdog: Watchdog | None = None
        self._tracer: Tracer | None = None
        self._complaints: set[str] = set()
        self._unbound: dict[int | None, tuple[StallSubscriber, ...]] = {}
        """Watchers of whatever loop comes to run, by the thread it runs in; under ``None``, in any."""

    def start(
        self, watcher: StallSubscriber, loop: asyncio.AbstractEventLoop | None, *, every_thread: bool = False
    ) -> tuple[LoopClock, ...]:
        """Watch ``loop``; without one, every loop that this thread, or any, runs. The clocks of those known already.

        Raises ``TracingUnavailableError``, and watches nothing, if the watcher's engine cannot be had.
        """
        warn_if_later_than_known()
        warn_if_gil_is_off()
        with self._lock:
            if watcher.engine == TRACING:
                self._tracer = self._tracer or best_tracer()
                self._tracer.check(every_step=True)
            self._forget_closed_loops()
            if loop is not None:
                self._running_watchdog()
            self._hooks.install(loop)
            if loop is None:
                thread_id = None if every_thread else threading.get_ident()
                self._unbound[thread_id] = (*self._unbound.get(thread_id, ()), watcher)
                known = self._hooks.watched.values()
                clocks = tuple(clock for clock in known if every_thread or clock.thread_id == thread_id)
            else:
                clocks = (self._clock(loop),)
            watcher.entered = now()
            for clock in clocks:
                self._set_watchers(clock, (*clock.watchers, watcher))
                if clock.handle is None and loop is not None:
                    self._observe_running_step(clock, loop, watcher)
        return clocks

    def stop(self, watcher: StallSubscriber, timeout_s: float) -> bool:
        """Settle what the watcher has seen, then leave nothing of it behind; false if settling took too long."""
        ended = now()
        with self._lock:
            clocks = [clock for clock in self._hooks.watched.values() if watcher in clock.watchers]
            here = threading.get_ident()
            for clock in clocks:
                if clock.thread_id == here:
                    clock.end_part(watcher, ended)
                self._set_watchers(clock, tuple(other for other in clock.watchers if other is not watcher))
        settled = self.settle(timeout_s)
        for clock in clocks:
            if clock.thread_id == here:
                clock.pause(now() - ended)
        with self._lock:
            self._forget(watcher)
        return settled

    def trace_request(
        self, loop: asyncio.AbstractEventLoop, tracing: RequestTracing, calls_next: Iterable[object]
    ) -> bool:
        """Trace the request that is being served, from now on until it has finished. On the loop's thread.

        ``calls_next`` are the functions that loopwatch itself will call for it.

        Where there is no room for the tracer, the request's steps are only sampled, which is told once. False, and
        nothing is done, if the loop is not watched or watchers come or go this very moment: no lock is waited for.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            clock = self._hooks.watched.get(loop)
            if clock is None or clock.handle is None:
                return False
            requests = clock.listener
            if not isinstance(requests, TracedRequests):
                requests = TracedRequests(clock, self._finish_requests, are_others_traced=_is_traced(clock))
                clock.listener = requests
                self._start_tracer(clock)
                clock.observe_every_step_if_needed()
            requests.add(tracing, calls_next)
            return True
        finally:
            self._lock.release()

    def settle(self, timeout_s: float) -> bool:
        """Wait until every stall that has ended is reported; false if that took too long."""
        watchdog = self._watchdog
        return watchdog is None or not watchdog.is_behind or watchdog.settled(timeout_s)

    @property
    def watchdog_figures(self) -> WatchdogFigures:
        """The figures since the watchdog started; all zero while no loop is watched."""
        watchdog = self._watchdog
        return watchdog.figures if watchdog else WatchdogFigures()

    def _report(self, stall: Stall, observation: Observation, ongoing: bool) -> None:
        """Report a stall to everyone who watched it and whose threshold it reached."""
        if is_being_debugged(observation.samples):
            return
        reports: dict[tuple[str, float], BlockingCall] = {}
        for watcher in stall.watchers:
            started = max(stall.step_started, watcher.entered)
            if stall.ended - started < (watcher.ongoing_after_s if ongoing else watcher.threshold_s):
                continue
            engine = TRACING if stall.is_for_request else watcher.engine
            key = engine, started
            if key not in reports:
                reports[key] = self._call(stall, observation, started, engine, ongoing=ongoing)
            watcher.receive(reports[key])

    def _call(
        self, stall: Stall, observation: Observation, started: float, engine: str, *, ongoing: bool
    ) -> BlockingCall:
        started_at = utc_of(started)
        if observation.is_unexamined:
            call = report.unexamined_call(stall, observation, started, started_at=started_at, engine=engine)
            return self._usual.stand_in(call)
        explained = report.explanation(stall, observation, started, engine)
        call = report.blocking_call(
            stall,
            observation,
            started,
            explained,
            started_at=started_at,
            collecting=self._hooks.gc_pauses.within(stall.clock.thread_id, started, stall.ended),
            engine=engine,
            ongoing=ongoing,
        )
        if call.cause.is_machine or ongoing:
            return call
        if self._tracer is not None:
            self._tracer.time_again(explained.untimed_callees)
        self._usual.note(call)
        return self._usual.likely(call) if not call.exact and observation.is_contested else call

    def _set_watchers(self, clock: LoopClock, watchers: tuple[StallSubscriber, ...]) -> None:
        clock.set_watchers(watchers)
        if not watchers:
            clock.listener = None
        if self._tracer is not None:
            self._switch_tracer(self._tracer, clock)
        clock.observe_every_step_if_needed()

    def _switch_tracer(self, tracer: Tracer, clock: LoopClock) -> None:
        """On while somebody watches with it, or a request is traced."""
        is_wanted = _is_traced(clock)
        if is_wanted or (clock.listener is not None and clock.tracer is not None):
            tracer.start(clock, every_step=is_wanted)
        else:
            tracer.stop(clock)
        if clock.listener is not None:
            clock.listener.trace_others(wanted=is_wanted)

    def _start_tracer(self, clock: LoopClock) -> None:
        try:
            self._tracer = self._tracer or best_tracer()
            self._tracer.start(clock, every_step=_is_traced(clock))
        except TracingUnavailableError as error:
            self._complain("Requests that were to be traced are only sampled. %s.", error)

    def _complain(self, message: str, *arguments: object) -> None:
        if message not in self._complaints:
            self._complaints.add(message)
            logger.warning(message, *arguments)

    def _finish_requests(self, clock: LoopClock) -> None:
        """No request of the loop is traced any more. On its thread, after every step until it is done."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            clock.listener = None
            if self._tracer is not None:
                self._switch_tracer(self._tracer, clock)
            clock.observe_every_step_if_needed()
        finally:
            self._lock.release()

    def _clock(self, loop: asyncio.AbstractEventLoop) -> LoopClock:
        clock = self._hooks.watched.get(loop)
        if clock is None:
            watchdog = self._running_watchdog()
            clock = self._hooks.watched[loop] = LoopClock(loop, watchdog)
            watchdog.watch(self._hooks.watched.values())
        return clock

    def _running_watchdog(self) -> Watchdog:
        if self._watchdog is None:
            watchdog = Watchdog(self._report)
            watchdog.start()  # raises where there is no room for one more thread
            self._watchdog = watchdog
        return self._watchdog

    def _adopt(self, loop: asyncio.AbstractEventLoop) -> LoopClock | None:
        """A loop that nobody watches runs a step: whether somebody watches its thread."""
        if not self._unbound:
            return None
        watchers = (*self._unbound.get(threading.get_ident(), ()), *self._unbound.get(None, ()))
        if not watchers:
            return None
        with self._lock:
            try:
                clock = self._clock(loop)
            except RuntimeError as error:  # no room for the watchdog's thread; this is the loop's own
                self._complain("The loop %r is not watched: %s", loop, error)
                return None
            self._set_watchers(clock, watchers)
        return clock

    def _observe_running_step(
        self, clock: LoopClock, loop: asyncio.AbstractEventLoop, watcher: StallSubscriber
    ) -> None:
        """The step that starts a watch began before it, unseen; the next one, a callback that does nothing, ends it."""
        clock.observe_running_step(asyncio.current_task(loop), watcher.entered)
        loop.call_soon(_nothing)
        clock.wake_watchdog()

    def abandon(self) -> None:
        """Take away the hooks, in a forked child that has neither the threads nor the loops."""
        for clock in self._hooks.watched.values():
            if self._tracer is not None:
                self._tracer.stop(clock)
        self._hooks.uninstall()

    def _forget(self, watcher: StallSubscriber) -> None:
        for thread_id, watchers in list(self._unbound.items()):
            self._unbound[thread_id] = left = tuple(other for other in watchers if other is not watcher)
            if not left:
                del self._unbound[thread_id]
        self._forget_closed_loops()
        for loop, clock in list(self._hooks.watched.items()):
            if not clock.watchers:
                self._hooks.watched.forget(loop)
        self._tidy_up()

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._hooks.watched if loop.is_closed()]:
            self._set_watchers(self._hooks.watched.forget(loop), ())

    def _tidy_up(self) -> None:
        clocks = self._hooks.watched
        if self._watchdog is not None:
            self._watchdog.watch(clocks.values())
        if not clocks and self._watchdog is not None:
            self._watchdog.stop()
            self._watchdog = None
        if not clocks and not self._unbound:
            self._hooks.uninstall()


def _is_traced(clock: LoopClock) -> bool:
    """Whether somebody watches the loop with the tracing engine."""
    return any(watcher.engine == TRACING for watcher in clock.watchers)


def _nothing() -> None:
    """What a watch that starts in the middle of a step schedules, so that a step follows it at once."""


_monitor = Monitor()


def start_watching(
    watcher: StallSubscriber, loop: asyncio.AbstractEventLoop | None, *, every_thread: bool = False
) -> tuple[LoopClock, ...]:
    return _monitor.start(watcher, loop, every_thread=every_thread)


def stop_watching(watcher: StallSubscriber, timeout_s: float) -> bool:
    return _monitor.stop(watcher, timeout_s)


def trace_request(loop: asyncio.AbstractEventLoop, tracing: RequestTracing, calls_next: Iterable[object] = ()) -> bool:
    return _monitor.trace_request(loop, tracing, calls_next)


def settle(timeout_s: float) -> bool:
    return _monitor.settle(timeout_s)


def watchdog_figures() -> WatchdogFigures:
    return _monitor.watchdog_figures


def _after_fork() -> None:
    """A forked child has no watchdog thread, and the loops of its parent are not its own."""
    global _monitor  # noqa: PLW0603
    _monitor.abandon()
    _monitor = Monitor()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
