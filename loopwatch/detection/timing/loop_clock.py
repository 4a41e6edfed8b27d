"""The state of one watched loop: the step that runs, and who wants to know if it becomes a stall.

Three threads share it without a lock. ``LoopClock.__init__`` groups the slots by their writers; all other code reads
them, or calls a method.
"""

import asyncio
import threading
import weakref
from asyncio.events import TimerHandle
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.machine.cpu_clocks import CpuReading, ThreadClocks, process_s
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.due import due_at, due_in_turn
from loopwatch.detection.timing.idle_probe import IdleProbe
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight
from loopwatch.detection.timing.lateness import Lateness, shortest_gap_s
from loopwatch.detection.timing.loop_history import LoopHistory
from loopwatch.detection.timing.loop_usage import UsageMeter
from loopwatch.detection.timing.own_work import is_step_of_own_work
from loopwatch.detection.timing.recent_pauses import RecentPauses
from loopwatch.detection.timing.steps import (
    EVERY_STEP,
    AnyHandle,
    StallSubscriber,
    StepListener,
    StepTracer,
    UnobservedStep,
    note_failure,
)
from loopwatch.detection.timing.trace import Trace


class Stall(NamedTuple):
    """A step, or the part of one that a ``watch()`` block covers, that reached a threshold. Times are ``now()``.

    A tuple, because the loop's thread makes it: a frozen dataclass takes three times as long.

    ``cpu`` was read at its end. ``request`` is the one that the step ran for. A step ``is_for_request`` if it was
    traced because its request is. ``backlog`` counts the requests that it kept out, if a subscriber counts them.
    """

    clock: "LoopClock"
    handle: AnyHandle
    step_started: float
    ended: float
    cpu: CpuReading
    subscribers: tuple[StallSubscriber, ...]
    waiting: int
    trace: Trace | None = None
    is_for_request: bool = False
    delayed: tuple[RequestInFlight, ...] = ()
    request: RequestInFlight | None = None
    backlog: Backlog | None = None

    @property
    def threshold_s(self) -> float:
        """The lowest threshold of its subscribers, some of which may have left the loop by now."""
        return lowest_threshold_s(self.subscribers)


@dataclass(frozen=True, slots=True)
class PauseBetweenSteps:
    """A pause in which no long step ran, from when something was due until the loop came to it. Times are ``now()``.

    ``handle`` is the step that was late, if it has begun. ``cpu`` was read at the end. All requests in flight had to
    wait: ``waiting`` is their number, and ``delayed`` are some of them. No step has run from ``rests_since`` on;
    ``NEVER`` where some steps are not seen.
    """

    clock: "LoopClock"
    since: float
    until: float
    handle: AnyHandle | None
    cpu: CpuReading
    subscribers: tuple[StallSubscriber, ...]
    waiting: int
    delayed: tuple[RequestInFlight, ...]
    rests_since: float


class StallTaker(Protocol):
    """The watchdog, as the loop's thread sees it: none of its methods waits for anything."""

    def hand_over(self, item: Stall | Backlog | PauseBetweenSteps) -> None: ...

    def wake(self) -> None: ...

    def cpu_s(self) -> float:
        """Return the CPU seconds that the watchdog's thread has used."""


COUNTED_FROM_S = 0.002
"""How long a step lasts at least to be counted. Shorter ones cost no more than a comparison, which all steps cost."""


class LoopClock:
    """The state of one watched loop.

    ``handle`` is set exactly while a step runs, which began at ``started``. If ``wants_step_begin`` is true, the next
    step calls ``on_step_begin`` as it begins; if it is ``EVERY_STEP``, all of them do. A step before which none ran for
    ``gap_from_s`` calls it in any case. A step that lasts ``ends_from_s`` or longer calls ``end_step``.
    """

    __slots__ = (
        *("__weakref__", "_watchdog", "history", "in_flight", "loop", "recent_pauses", "usage"),
        *("ended", "handle", "late_until", "lateness", "paused", "stalled_until", "started", "thread", "woken_at"),
        *("count_step", "ends_from_s", "find_otel_span", "found_at", "gap_from_s", "listener", "ongoing_after_s"),
        *("owner", "subscribers", "threshold_s", "tracer", "wants_step_begin"),
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, watchdog: StallTaker) -> None:
        # Never replaced. Only the watchdog changes ``history``, ``recent_pauses`` and ``usage``, only the loop's thread
        # ``in_flight``.
        self._watchdog = watchdog
        self.loop = weakref.ref(loop)
        self.thread = ThreadClocks()
        first_reading = self.read_cpu()
        self.in_flight = InFlight()
        self.history = LoopHistory(first_reading, self.thread.run_delay.read())
        self.recent_pauses = RecentPauses()
        self.usage = UsageMeter(first_reading, self.thread.run_delay)

        # Written by the loop's thread: the stopwatch, at every step.
        self.handle: AnyHandle | None = None
        self.started = 0.0
        self.ended = first_reading.at
        """When the latest step ended, or the loop was first watched or began to run, if that was later."""
        self.paused = (0.0, 0.0)
        """When the step that was paused last began, and how many seconds of it do not count."""
        self.stalled_until = 0.0
        """The end of the latest stall: what came due during the stall was not late because of a pause."""
        self.lateness = Lateness()
        self.late_until = 0.0
        """The end of the latest pause that the loop's thread has noted itself."""

        # Written by the monitor under its lock, and by ``listener`` for the length of a step it traces.
        self.owner: asyncio.AbstractEventLoop | None = None
        """The loop, while it is watched. The stopwatch compares it to check that its latest clock still applies."""
        self.found_at = 0.0
        """When the loop came to run in a block that watches every loop; 0 if it was chosen."""
        self.subscribers: tuple[StallSubscriber, ...] = ()
        self.threshold_s = self.gap_from_s = self.ends_from_s = self.ongoing_after_s = NEVER
        self.tracer: StepTracer | None = None
        self.listener: StepListener | None = None
        """Sees every step while requests of this loop are traced on demand."""
        self.find_otel_span: Callable[[Context], object | None] | None = None
        """Returns the current OpenTelemetry span of a context; must neither raise nor wait."""
        self.count_step: Callable[[float], object] | None = None
        """Takes the seconds of long steps; must neither raise nor wait."""

        # Set by the watchdog and the monitor, and taken back by the loop's thread.
        self.wants_step_begin: bool | str = False

        # Set by the thread that wakes the loop from a rest, and taken back by the loop's thread.
        self.woken_at = NEVER

    @property
    def serves(self) -> bool:
        """Whether the loop serves requests, rather than a program only."""
        return any(subscriber.counts_kept_out for subscriber in self.subscribers)

    @property
    def thread_id(self) -> int:
        return self.thread.thread_id

    def read_cpu(self) -> CpuReading:
        return CpuReading(now(), self.thread.cpu_s(), self._watchdog.cpu_s(), process_s())

    def wake_watchdog(self) -> None:
        self._watchdog.wake()

    # The monitor calls these, under its lock.

    def set_subscribers(self, subscribers: tuple[StallSubscriber, ...]) -> None:
        self.subscribers = subscribers
        self.threshold_s = lowest_threshold_s(subscribers)
        self.gap_from_s = shortest_gap_s(self.threshold_s)
        if self.ends_from_s >= 0:
            self.ends_from_s = self._shortest_noted_s
        self.ongoing_after_s = min((subscriber.ongoing_after_s for subscriber in subscribers), default=NEVER)

    def observe_every_step_if_needed(self) -> None:
        """Adapt to a tracer or listener that has come or gone."""
        needed = self.listener is not None or (self.tracer is not None and self.tracer.needs_every_step)
        self.ends_from_s = -1.0 if needed else self._shortest_noted_s
        if self.wants_step_begin is not True:
            self.wants_step_begin = EVERY_STEP if needed else False
        self.wake_watchdog()  # it may have set wants_step_begin just now

    def count_steps(self, count_step: Callable[[float], object]) -> None:
        """Have the seconds of every step passed on that lasts ``COUNTED_FROM_S`` or longer, on the loop's thread."""
        self.count_step = count_step
        if self.ends_from_s >= 0:
            self.ends_from_s = self._shortest_noted_s

    def observe_running_step(self, task: "asyncio.Task[object] | None", since: float) -> None:
        """Time the running step, which began unobserved, from ``since`` on. On the loop's thread.

        The next step must begin soon, because it ends this one.
        """
        self.started = since
        self.handle = self.in_flight.unobserved = UnobservedStep(task, since)
        self.wants_step_begin = True
        if self.tracer is not None:
            self.tracer.begin_step()

    # The watchdog calls these.

    def otel_span_of(self, handle: AnyHandle) -> object | None:
        """Return the OpenTelemetry span that is current in a step, if its site reports to OpenTelemetry."""
        context: Context | None = getattr(handle, "_context", None)
        if self.find_otel_span is None or context is None or not is_gil_enabled():
            return None
        return self.find_otel_span(context.copy())

    def is_own_work(self, handle: AnyHandle) -> bool:
        """Return whether a step does nothing but pass on a report of loopwatch's. From any thread that has the GIL."""
        return is_step_of_own_work(handle, self.found_at)

    def pause(self, since: float, until: float) -> PauseBetweenSteps:
        """Return a pause of this loop, up to now. From any thread."""
        waiting, delayed = self.in_flight.others(None), self.in_flight.some(None)
        rests_since = self.ended if isinstance(self.owner, asyncio.BaseEventLoop) else NEVER
        seen = self.handle, self.read_cpu(), self.subscribers, waiting, delayed, rests_since
        return PauseBetweenSteps(self, since, until, *seen)

    # The loop's thread calls these.

    def on_step_begin(self, outer: AnyHandle | None) -> AnyHandle | None:
        """Note that a step has begun after a rest, a pause, or an unobserved step, which could not end itself."""
        if self.wants_step_begin is EVERY_STEP and outer is None:
            self._begin_step()
            if self.started - self.ended >= self.gap_from_s:
                self._note_lateness()
            return None
        is_watchdog_asking = self.wants_step_begin is True
        if is_watchdog_asking:
            self.wants_step_begin = False if self.ends_from_s >= 0 else EVERY_STEP
        if threading.get_ident() != self.thread.thread_id:
            self.thread = ThreadClocks()
            if self.tracer is not None:
                self.tracer.moved(self.thread.thread_id)
        if isinstance(outer, UnobservedStep):
            # ``watch()`` has scheduled a callback, so the loop turns at once from the end of that step to this one.
            self.end_step(outer, outer.started, self.started)
            self.ended = self.started
            outer = self.in_flight.unobserved = None
        if self.ends_from_s < 0:
            self._begin_step()
        if outer is None:
            self._note_lateness()
        if is_watchdog_asking:
            self.wake_watchdog()
        return outer

    def end_step(self, handle: AnyHandle, started: float, ended: float) -> None:
        """Count a long step, and give it to the watchdog if it reached the threshold."""
        try:
            if self.count_step is not None and ended - started >= COUNTED_FROM_S:
                self.count_step(ended - started - self.paused_in(started))
            if self.listener is not None:
                self.listener.end_step(handle, started, ended)
                return
            if self.tracer is not None:
                self.tracer.end_step()
            ended -= self.paused_in(started)
            if ended - started >= self.threshold_s:
                self.hand_over(handle, started, ended, self.subscribers)
        except Exception as error:  # noqa: BLE001 - it must not end the loop
            note_failure(error)

    def end_part(self, subscriber: StallSubscriber, ended: float) -> bool:
        """Give the part of the running step that ``subscriber`` saw to the watchdog, if it reached its threshold.

        Another thread may call this for a loop that the subscriber has just left.
        """
        handle, started = self.handle, self.started
        if handle is None or started < self.ended:  # the loop's thread has set ``handle``, and not yet ``started``
            return False
        if ended - max(started, subscriber.entered) < subscriber.threshold_s:
            return False
        self.hand_over(handle, started, ended - self.paused_in(started), (subscriber,), is_over=False)
        return True

    def hand_over(
        self,
        handle: AnyHandle,
        started: float,
        ended: float,
        subscribers: tuple[StallSubscriber, ...],
        *,
        is_over: bool = True,
        is_for_request: bool = False,
    ) -> None:
        """Give a stall to the watchdog, with what is known of it now."""
        if self.is_own_work(handle):
            return
        trace = None if self.tracer is None else self.tracer.trace(started, is_over=is_over)
        own = self.in_flight.own(handle, started)
        waiting = self.in_flight.others(own)
        delayed = self.in_flight.some(own) if waiting else ()
        reading = self.read_cpu()
        self.stalled_until = max(ended, reading.at)  # what a debugger took is left out of ``ended``
        times = started, ended, reading
        backlog = self._backlog_after(started, ended, subscribers) if is_over else None
        stall = Stall(self, handle, *times, subscribers, waiting, trace, is_for_request, delayed, own, backlog)
        self._watchdog.hand_over(stall)

    def leave_out(self, duration_s: float) -> None:
        """Do not count this much of the running step: it was the monitor's own."""
        self.paused = (self.started, self.paused_in(self.started) + duration_s)

    def paused_in(self, started: float) -> float:
        """Return how much of the step that began at ``started`` does not count."""
        return self.paused[1] if self.paused[0] == started else 0.0

    def _backlog_after(self, started: float, ended: float, subscribers: tuple[StallSubscriber, ...]) -> Backlog | None:
        """Return the backlog that counts the requests that a stall kept out; ``None`` if no subscriber counts them."""
        if not any(each.counts_kept_out and ended - started >= each.threshold_s for each in subscribers):
            return None
        earlier, loop = self.in_flight.backlog, self.loop()
        if earlier is not None and ended <= earlier.until:
            return earlier
        if earlier is not None:
            self._close(earlier)
        if loop is None:
            return None
        backlog = Backlog(started, ended)
        try:
            IdleProbe(loop, self, backlog.until, partial(self._close, backlog)).schedule()
        except Exception:  # noqa: BLE001 - the loop must go on, even one that takes no callback
            return None
        self.in_flight.backlog = backlog
        return backlog

    def _close(self, backlog: Backlog) -> None:
        if self.in_flight.backlog is backlog:
            self.in_flight.backlog = None
            self._watchdog.hand_over(backlog)

    def _note_lateness(self) -> None:
        """Give the watchdog the pause that has ended, if the step that has just begun was due long ago."""
        woken_at, self.woken_at = self.woken_at, NEVER
        due = due_at(self.handle, self.owner, self.started, self.ended)
        if woken_at >= self.ended:  # otherwise the thread noted it too late, after the step that it caused had begun
            due = min(due, woken_at)
        if self.started - self.ended >= self.gap_from_s:
            self.lateness.note_gap(self.ended, self.started)
            if not isinstance(self.handle, TimerHandle):  # the first step of a turn, so nothing else was due before it
                due = min(due, due_in_turn(self.owner, self.ended))
        self.lateness.note_due(due)
        known_until = max(self.stalled_until, self.late_until, self.history.paused_until)
        pause = self.lateness.take_pause(known_until, self.threshold_s)
        if pause is not None:
            self.late_until = pause[1]
            self._watchdog.hand_over(self.pause(*pause))

    @property
    def _shortest_noted_s(self) -> float:
        return self.threshold_s if self.count_step is None else min(self.threshold_s, COUNTED_FROM_S)

    def _begin_step(self) -> None:
        if self.listener is not None:
            self.listener.begin_step()
        elif self.tracer is not None:
            self.tracer.begin_step()


def lowest_threshold_s(subscribers: tuple[StallSubscriber, ...]) -> float:
    return min((subscriber.threshold_s for subscriber in subscribers), default=NEVER)
