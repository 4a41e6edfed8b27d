"""Switches the tracer on for loops that are watched with the tracing engine, or that serve a traced request.

Most of this runs on the loop's thread, in the step that enters a ``watch()`` block or begins a traced request.
"""

import threading
from collections.abc import Iterable
from types import CodeType

from loopwatch.detection.calls import TRACING
from loopwatch.detection.cpython.sites import register_monitor
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.tracing.engine import best_tracer
from loopwatch.detection.tracing.traced_requests import RequestTracing, TracedRequests
from loopwatch.detection.tracing.tracer import Tracer, TracingUnavailableError

logger = logger_of()
register_monitor(__name__)


class TracerSwitch:
    """Makes the process's tracer when it is first needed. The caller holds the monitor's ``lock``, except as noted."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._tracer: Tracer | None = None
        self._has_warned = False

    def check(self) -> None:
        """Raise ``TracingUnavailableError`` if not every step of the calling thread can be traced."""
        self._best_tracer().check(every_step=True)

    def adapt(self, clock: LoopClock) -> None:
        """Switch the tracer on or off, after a subscriber or the traced requests of a loop have come or gone."""
        if self._tracer is not None:
            is_every_step_traced = _is_every_step_traced(clock)
            if is_every_step_traced or (clock.listener is not None and clock.tracer is not None):
                self._tracer.start(clock, every_step=is_every_step_traced)
            else:
                self._tracer.stop(clock)
            if clock.listener is not None:
                clock.listener.trace_others(wanted=is_every_step_traced)
        clock.observe_every_step_if_needed()

    def trace_request(self, clock: LoopClock, tracing: RequestTracing, calls_next: Iterable[object]) -> None:
        """Trace a request, which the running step of the loop serves. Without a tracer it is only sampled."""
        requests = clock.listener
        if not isinstance(requests, TracedRequests):
            requests = TracedRequests(clock, self._finish_requests, are_others_traced=_is_every_step_traced(clock))
            clock.listener = requests
            self._start_for_requests(clock)
            clock.observe_every_step_if_needed()
        requests.add(tracing, calls_next)

    def abandon(self, clocks: Iterable[LoopClock]) -> None:
        """Remove the tracer, in a forked child. A thread of the parent may have held its lock."""
        if self._tracer is not None:
            self._tracer.replace_lock()
            for clock in clocks:
                self._tracer.stop(clock)

    def time_again(self, codes: Iterable[CodeType]) -> None:
        """Time the calls made by this code again. On the watchdog's thread, without the lock."""
        if self._tracer is not None:
            self._tracer.time_again(codes)

    def _best_tracer(self) -> Tracer:
        self._tracer = self._tracer or best_tracer()
        return self._tracer

    def _start_for_requests(self, clock: LoopClock) -> None:
        try:
            self._best_tracer().start(clock, every_step=_is_every_step_traced(clock))
        except TracingUnavailableError as error:
            if not self._has_warned:
                self._has_warned = True
                logger.warning("Requests that were to be traced are only sampled. %s.", error)

    def _finish_requests(self, clock: LoopClock) -> None:
        """Note that no request of the loop is traced any more, unless the lock is taken.

        The loop's thread calls this after every step until it is done, and does not wait for the lock.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            clock.listener = None
            self.adapt(clock)
        finally:
            self._lock.release()


def _is_every_step_traced(clock: LoopClock) -> bool:
    """Return whether a subscriber watches the loop with the tracing engine."""
    return any(subscriber.engine == TRACING for subscriber in clock.subscribers)
