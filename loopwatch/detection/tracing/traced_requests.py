"""Traces single requests, with either engine watching their loop.

While a loop serves a traced request, ``TracedRequests`` listens to every step of the loop. Steps of the request, and of
its child tasks, are traced and measured by the request's own threshold. Other steps go on as before. After the last
traced request the listener leaves, so that it costs nothing. Runs on the loop's thread, except ``receive``.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.timing.in_flight import RequestInFlight, request_of
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.timing.steps import AnyHandle, UnobservedStep

logger = logger_of()

MAX_CALLS = 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """The times of a request in milliseconds, while it was in flight.

    ``loop_ms`` is the time of its own steps, and ``blocked_ms`` that of those that reached its threshold.
    ``waiting_ms`` is the time of other steps that reached it.
    """

    loop_ms: float
    blocked_ms: float
    waiting_ms: float


class RequestTracing:
    """The tracing of one request, which subscribes to the stalls of its steps.

    ``calls`` are the stalls by the request's own threshold (the first 1000; ``calls_dropped`` counts the others), in
    the order of their ends. Without a threshold there are none: the loop's subscribers get the same stalls as before,
    only more exact ones.
    """

    engine = "tracing"
    ongoing_after_s = NEVER
    counts_kept_out = False

    def __init__(self, request: RequestInFlight, threshold_s: float = NEVER) -> None:
        self.request = request
        self.threshold_s = threshold_s
        self.entered = 0.0
        self.calls: list[BlockingCall] = []
        self.calls_dropped = 0
        self._loop_s = self._blocked_s = self._waiting_s = 0.0
        self._clock: LoopClock | None = None
        self._first_handle: AnyHandle | None = None

    def receive(self, call: BlockingCall) -> None:
        """Keep a report. Runs on the watchdog's thread."""
        if len(self.calls) < MAX_CALLS:
            self.calls.append(call)
        else:
            self.calls_dropped += 1

    def figures(self) -> Figures:
        """Return the figures up to now. On the loop's thread."""
        clock = self._clock
        running_s = 0.0
        handle = None if clock is None else clock.handle
        if clock is not None and handle is not None and self.owns(handle):
            running_s = now() - max(clock.started, self.entered) - clock.paused_in(clock.started)
        blocked_s = self._blocked_s + (running_s if running_s >= self.threshold_s else 0.0)
        return Figures((self._loop_s + running_s) * 1000, blocked_s * 1000, self._waiting_s * 1000)

    @property
    def is_finished(self) -> bool:
        return self.request.finished_at != NEVER

    def owns(self, handle: AnyHandle) -> bool:
        """Return whether a step belongs to the request, by its context; the first step's context may be older."""
        return handle is self._first_handle or request_of(handle) is self.request

    def enter(self, clock: LoopClock) -> None:
        self._clock, self._first_handle, self.entered = clock, clock.handle, now()

    def note_own_step(self, started: float, ended: float) -> None:
        lasted_s = max(0.0, ended - max(started, self.entered))
        self._loop_s += lasted_s
        if lasted_s >= self.threshold_s:
            self._blocked_s += lasted_s

    def note_step_of_others(self, lasted_s: float) -> None:
        if lasted_s >= self.threshold_s and self.request.is_busy:
            self._waiting_s += lasted_s


class TracedRequests:
    """The traced requests of one loop. ``finish`` is called when none is left, and again if the listener stays."""

    def __init__(self, clock: LoopClock, finish: Callable[[LoopClock], object], *, are_others_traced: bool) -> None:
        self._are_others_traced = are_others_traced
        self._clock = clock
        self._finish = finish
        self._requests: dict[RequestInFlight, RequestTracing] = {}
        self._shortest_s = NEVER
        self._steps_until_sweep = 0
        self._has_failed = False

    def add(self, tracing: RequestTracing, calls_next: Iterable[object]) -> None:
        """Trace a request from now on. Its first step is running."""
        self._requests[tracing.request] = tracing
        self._shortest_s = min(self._shortest_s, tracing.threshold_s)
        tracing.enter(self._clock)
        self._trace_step(tracing)
        tracer = self._clock.tracer
        if tracer is not None:
            for function in calls_next:
                tracer.follow(function)

    def trace_others(self, *, wanted: bool) -> None:
        """Note whether a subscriber watches the loop with the tracing engine. From any thread."""
        are_new, self._are_others_traced = wanted and not self._are_others_traced, wanted
        clock = self._clock
        if not are_new or clock.handle is None or clock.thread_id != threading.get_ident():
            return
        if self._tracing_of(clock.handle) is None:
            self.begin_step()

    def begin_step(self) -> None:
        try:
            self._begin_step()
        except Exception as error:  # noqa: BLE001 - a handle holds the user's objects; the loop must not notice
            self._note_failure(error)

    def end_step(self, handle: AnyHandle, started: float, ended: float) -> None:
        try:
            self._end_step(handle, started, ended)
        except Exception as error:  # noqa: BLE001 - the loop must not notice
            self._note_failure(error)

    def _begin_step(self) -> None:
        clock = self._clock
        tracing = self._tracing_of(clock.handle)
        if tracing is not None:
            self._trace_step(tracing)
        elif clock.tracer is not None:
            if self._are_others_traced:
                clock.tracer.begin_step()
            else:
                clock.tracer.rest()

    def _end_step(self, handle: AnyHandle, started: float, ended: float) -> None:
        clock = self._clock
        if clock.tracer is not None:
            clock.tracer.end_step()
        tracing = self._tracing_of(handle)
        self._restore()
        ended -= clock.paused_in(started)
        if tracing is not None:
            tracing.note_own_step(started, ended)
        if ended - started >= self._shortest_s:
            for each in self._requests.values():
                if each is not tracing:
                    each.note_step_of_others(ended - started)
        self._hand_over(handle, started, ended, tracing)
        self._steps_until_sweep -= 1
        if self._steps_until_sweep < 0 or (tracing is not None and tracing.is_finished):
            self._forget_finished()

    def _forget_finished(self) -> None:
        """Forget requests that have finished.

        A request usually finishes in one of its own steps, but a discarded one may not, so all are swept periodically.
        """
        self._requests = {request: each for request, each in self._requests.items() if not each.is_finished}
        self._shortest_s = min((each.threshold_s for each in self._requests.values()), default=NEVER)
        self._steps_until_sweep = len(self._requests)
        if not self._requests:
            self._finish(self._clock)

    def _tracing_of(self, handle: AnyHandle) -> RequestTracing | None:
        request = request_of(handle)
        if request is not None:
            return self._requests.get(request)
        # The step in which the loop began to be watched has a context from before its request.
        unobserved = isinstance(handle, UnobservedStep)
        return next((each for each in self._requests.values() if each.owns(handle)), None) if unobserved else None

    def _trace_step(self, tracing: RequestTracing) -> None:
        began, clock = now(), self._clock
        if tracing.threshold_s < clock.threshold_s:
            clock.threshold_s = tracing.threshold_s
            clock.wake_watchdog()  # which would look too late
        if clock.tracer is not None:
            clock.tracer.set_threshold(clock.threshold_s)
            clock.tracer.begin_step(thoroughly=True)
        clock.leave_out(now() - began)

    def _restore(self) -> None:
        """Restore the threshold of the loop's subscribers."""
        clock = self._clock
        watched_s = min((subscriber.threshold_s for subscriber in clock.subscribers), default=NEVER)
        if clock.threshold_s != watched_s:
            clock.threshold_s = watched_s
            if clock.tracer is not None:
                clock.tracer.set_threshold(watched_s)

    def _hand_over(self, handle: AnyHandle, started: float, ended: float, tracing: RequestTracing | None) -> None:
        clock, lasted_s = self._clock, ended - started
        if tracing is None:
            if lasted_s >= clock.threshold_s:
                clock.hand_over(handle, started, ended, clock.subscribers)
        elif lasted_s >= min(clock.threshold_s, tracing.threshold_s):
            is_traced = clock.tracer is not None
            clock.hand_over(handle, started, ended, (*clock.subscribers, tracing), is_for_request=is_traced)

    def _note_failure(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            logger.error("Tracing a request failed in a step of it", exc_info=error)
