"""The monitor of a process: who subscribes to the stalls of which loop, and the stopwatch and watchdog they share.

The first subscriber installs the hooks and starts the watchdog's thread. The last one to leave removes both.
Subscribers come and go on any thread under a lock. Steps and traced requests never wait for that lock.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable

from loopwatch.detection.calls import TRACING
from loopwatch.detection.cpython.free_threading import is_gil_enabled, warn_if_gil_is_off
from loopwatch.detection.cpython.known_versions import warn_if_later_than_known
from loopwatch.detection.cpython.sites import register_monitor
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.lookout.lookout import Lookout
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.sampling.cpu_budget import WatchdogFigures
from loopwatch.detection.sampling.gc_pauses import GcPauses
from loopwatch.detection.sampling.watchdog import Watchdog
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.timing.own_work import is_own_work
from loopwatch.detection.timing.steps import StallSubscriber
from loopwatch.detection.timing.watched_loops import LoopHooks
from loopwatch.detection.tracing.switch import TracerSwitch
from loopwatch.detection.tracing.traced_requests import RequestTracing
from loopwatch.detection.verdict.stall_reporter import StallReporter

logger = logger_of()
register_monitor(__name__)


class Monitor:
    """Joins subscribers to loops. A process has one, which begins again in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._hooks = LoopHooks(self._adopt)
        self._tracing = TracerSwitch(self._lock)
        self._gc_pauses = GcPauses()
        self._reporter = StallReporter(self._gc_pauses, self._tracing.time_again)
        self._watchdog: Watchdog | None = None
        self._has_warned = False
        self._unbound: dict[int | None, tuple[StallSubscriber, ...]] = {}
        """Subscribers of every loop that a thread runs, by the thread; those under ``None`` watch all threads."""
        self._adopter: Callable[[asyncio.AbstractEventLoop], object] | None = None

    def start_watching(
        self,
        subscriber: StallSubscriber,
        loop: asyncio.AbstractEventLoop | None,
        *,
        every_thread: bool = False,
        lookout: bool = False,
        hold_folder: str | None = None,
        is_in_step: bool = True,
    ) -> tuple[LoopClock, ...]:
        """Watch ``loop``; without one, every loop that this thread, or any thread, runs; with a ``lookout`` if wanted.

        The lookout notes in the ``hold_folder`` what keeps the GIL for ``ongoing_after_s``.
        If the caller ``is_in_step``, which ``loop`` is running now, the rest of that step counts.
        Returns the clocks of the loops that are known already. Raises ``TracingUnavailableError``, and watches nothing,
        if the subscriber's engine is not available.
        """
        warn_if_later_than_known()
        warn_if_gil_is_off()
        with self._lock:
            if subscriber.engine == TRACING:
                self._tracing.check()
            self._forget_closed_loops()
            if loop is not None:
                self._running_watchdog()
            self._hooks.install(loop)
            self._gc_pauses.install()
            if loop is None:
                thread_id = None if every_thread else threading.get_ident()
                self._unbound[thread_id] = (*self._unbound.get(thread_id, ()), subscriber)
                known = self._hooks.watched.values()
                clocks = tuple(clock for clock in known if every_thread or clock.thread_id == thread_id)
            else:
                clocks = (self._clock(loop, found_at=0.0 if is_in_step else now()),)
            if lookout:
                self._running_watchdog().use_lookout(subscriber.ongoing_after_s, hold_folder)
            subscriber.entered = now()
            for clock in clocks:
                self._set_subscribers(clock, (*clock.subscribers, subscriber))
                if is_in_step and clock.handle is None and loop is not None:
                    self._observe_running_step(clock, loop, subscriber)
        return clocks

    def adopt_by(self, adopter: Callable[[asyncio.AbstractEventLoop], object] | None) -> None:
        """Have ``adopter`` called with every loop that is not watched and comes to run a step, until it is ``None``.

        It is called before each step until the loop is watched, without a lock, on the thread of the step.
        """
        with self._lock:
            self._adopter = adopter
            if adopter is None:
                self._tidy_up()
            else:
                self._hooks.install(None)

    def stop_watching(self, subscriber: StallSubscriber, timeout_s: float) -> bool:
        """Settle the subscriber's stalls and forget it. Returns false if settling took longer than ``timeout_s``."""
        ended = now()
        with self._lock:
            clocks = [clock for clock in self._hooks.watched.values() if subscriber in clock.subscribers]
            here = threading.get_ident()
            for clock in clocks:
                is_here = clock.thread_id == here
                if is_here:
                    clock.end_part(subscriber, ended)
                self._set_subscribers(clock, tuple(other for other in clock.subscribers if other is not subscriber))
                if not is_here and is_gil_enabled():
                    # Not before, or a step that ends meanwhile would be reported twice.
                    clock.end_part(subscriber, ended)
        settled = self.settle(timeout_s, releases=subscriber.counts_kept_out)
        for clock in clocks:
            if clock.thread_id == here:
                clock.leave_out(now() - ended)
        with self._lock:
            self._forget(subscriber)
        return settled

    def trace_request(
        self, loop: asyncio.AbstractEventLoop, tracing: RequestTracing, calls_next: Iterable[object] = ()
    ) -> bool:
        """Trace the request that the running step serves, until it has finished. On the loop's thread.

        ``calls_next`` are the functions that loopwatch itself will call for it. Where no tracer is available, the
        request's steps are only sampled, which is logged once. Returns false, and does nothing, if the loop is not
        watched or the lock is taken.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            clock = self._hooks.watched.get(loop)
            if clock is None or clock.handle is None:
                return False
            self._tracing.trace_request(clock, tracing, calls_next)
            return True
        finally:
            self._lock.release()

    def settle(self, timeout_s: float, *, releases: bool = True) -> bool:
        """Wait until every stall that has ended is reported. Returns false if that took longer than ``timeout_s``.

        Reports that are held back for their backlogs are given out only if it ``releases`` them.
        """
        watchdog = self._watchdog
        return watchdog is None or not watchdog.is_behind or watchdog.settled(timeout_s, releases=releases)

    def watchdog_figures(self) -> WatchdogFigures:
        """The figures since the watchdog started; all zero before the first loop is watched."""
        watchdog = self._watchdog
        return watchdog.figures if watchdog else WatchdogFigures()

    def current_lookout(self) -> Lookout | None:
        """The lookout, which may not be in use; ``None`` before the first loop is watched."""
        watchdog = self._watchdog
        return watchdog.lookout if watchdog else None

    def _set_subscribers(self, clock: LoopClock, subscribers: tuple[StallSubscriber, ...]) -> None:
        clock.set_subscribers(subscribers)
        if not subscribers:
            clock.listener = None
        self._tracing.adapt(clock)

    def _clock(self, loop: asyncio.AbstractEventLoop, found_at: float = 0.0) -> LoopClock:
        clock = self._hooks.watched.get(loop)
        if clock is None:
            self._forget_closed_loops()  # ``asyncio.run`` and ``async_to_sync`` make a loop for each call
            watchdog = self._running_watchdog()
            clock = self._hooks.watched[loop] = LoopClock(loop, watchdog)
            clock.found_at = found_at
            watchdog.watch(self._hooks.watched.values())
        return clock

    def _running_watchdog(self) -> Watchdog:
        if self._watchdog is None:
            watchdog = Watchdog(self._reporter)
            watchdog.start()  # raises RuntimeError if the process can start no thread
            self._watchdog = watchdog
        return self._watchdog

    def _adopt(self, loop: asyncio.AbstractEventLoop) -> LoopClock | None:
        """Start to watch a loop that runs a step, if its thread is watched. Returns its clock, or ``None``."""
        if is_own_work():
            return None
        adopter = self._adopter
        if adopter is not None:
            adopter(loop)
        if not self._unbound:
            return self._hooks.watched.get(loop)
        subscribers = (*self._unbound.get(threading.get_ident(), ()), *self._unbound.get(None, ()))
        if not subscribers:
            return self._hooks.watched.get(loop)
        with self._lock:
            try:
                clock = self._clock(loop, found_at=now())
            except RuntimeError as error:  # the watchdog's thread cannot start, and the loop must not notice
                if not self._has_warned:
                    self._has_warned = True
                    logger.warning("The loop %r is not watched: %s", loop, error)
                return None
            self._set_subscribers(clock, (*clock.subscribers, *subscribers))
        return clock

    def _observe_running_step(
        self, clock: LoopClock, loop: asyncio.AbstractEventLoop, subscriber: StallSubscriber
    ) -> None:
        """Observe the step that starts a watch, and schedule a step that ends it at once, and does not count."""
        clock.observe_running_step(asyncio.current_task(loop), subscriber.entered)
        loop.call_soon(clock.leave_out, NEVER)
        clock.wake_watchdog()

    def abandon(self) -> None:
        """Remove the hooks, in a forked child that has neither the threads nor the loops."""
        self._tracing.abandon(self._hooks.watched.values())
        self._hooks.uninstall()
        self._gc_pauses.uninstall()

    def _forget(self, subscriber: StallSubscriber) -> None:
        for thread_id, subscribers in list(self._unbound.items()):
            self._unbound[thread_id] = left = tuple(other for other in subscribers if other is not subscriber)
            if not left:
                del self._unbound[thread_id]
        self._forget_closed_loops()
        for loop, clock in list(self._hooks.watched.items()):
            if not clock.subscribers:
                self._hooks.watched.forget(loop)
        self._tidy_up()

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._hooks.watched if loop.is_closed()]:
            self._set_subscribers(self._hooks.watched.forget(loop), ())

    def _tidy_up(self) -> None:
        clocks = self._hooks.watched
        if self._watchdog is not None:
            self._watchdog.watch(clocks.values())
        if clocks or self._unbound or self._adopter is not None:
            return  # the next loop may follow soon: under WSGI each request has one
        if self._watchdog is not None:
            self._watchdog.stop()
            self._watchdog = None
        self._hooks.uninstall()
        self._gc_pauses.uninstall()


_monitor = Monitor()
start_watching = _monitor.start_watching
stop_watching = _monitor.stop_watching
adopt_by = _monitor.adopt_by
trace_request = _monitor.trace_request
settle = _monitor.settle
current_lookout = _monitor.current_lookout
watchdog_figures = _monitor.watchdog_figures


def _after_fork() -> None:
    """Begin again in a forked child, which has no watchdog thread and does not run its parent's loops."""
    _monitor.abandon()
    Monitor.__init__(_monitor)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
