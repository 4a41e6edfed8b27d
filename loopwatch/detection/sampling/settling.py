"""Settles stalls: joins each one to the observation of its step, and reports both.

The loop's thread only puts a stall into the inbox. It is joined to its samples here, on the watchdog's thread, because
the sample of a call that kept the GIL is taken only after the step has ended.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.lookout.lookout import Lookout
from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.cpu_clocks import CpuReading, process_s
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.machine.suspensions import Suspensions
from loopwatch.detection.machine.throttling import Throttling
from loopwatch.detection.sampling.cpu_budget import CpuBudget
from loopwatch.detection.sampling.failures import Failures
from loopwatch.detection.sampling.gil_holds import GilHolds, Hold
from loopwatch.detection.sampling.looks import add_unseen_end, replace_late_samples
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.sampling.observations import Observations
from loopwatch.detection.sampling.other_threads import other_threads
from loopwatch.detection.sampling.sample import Sample
from loopwatch.detection.timing.backlog import Backlog
from loopwatch.detection.timing.loop_clock import LoopClock, PauseBetweenSteps, Stall

LONGEST_REPORT_INTERVAL_S = 60.0
INBOX_HOLDS = 10_000
"""With this many items in the inbox, short stalls are dropped, so that a busy loop cannot fill the memory."""
SHORT_S = 0.001
"""A longer stall is never dropped: a loop has a thousand of them a second at most, and the watchdog settles more."""


@dataclass(frozen=True, slots=True)
class SeenPause:
    """What the watchdog knows of a pause between steps: a reading from before it, and who kept the GIL meanwhile."""

    stall_id: str
    before: CpuReading
    suspended_s: float
    hold: Hold | None


class StallReports(Protocol):
    """Reports settled stalls. The monitor passes in a ``StallReporter``; the watchdog's thread calls its methods."""

    failures: Failures

    @property
    def is_holding(self) -> bool:
        """Whether reports are held back for their backlogs. From any thread."""

    def report(self, stall: Stall, observation: Observation, ongoing: bool) -> None: ...

    def report_pause(self, pause: PauseBetweenSteps, seen: SeenPause) -> None: ...

    def drop(self, stall: Stall) -> None:
        """Count a stall that is not reported."""

    def release(self, backlog: Backlog | None = None) -> None:
        """Give out the reports held back for a backlog that is closed; without one, all of them."""


@dataclass(frozen=True, slots=True)
class Marker:
    """Set when every stall handed over before it has been settled; ``releases`` what is held back, if so wanted."""

    settled: threading.Event
    releases: bool


class Settler:
    """Settles the stalls in ``inbox`` in order, and reports stalls that go on. Runs on the watchdog's thread.

    ``due_at`` is when the watchdog was to look at the loops, and ``busy_until`` when it last finished something else.
    ``unexamined`` counts stalls whose steps the watchdog could not look at.
    """

    def __init__(
        self,
        reports: StallReports,
        inbox: deque[Stall | Backlog | PauseBetweenSteps | Marker],
        observations: Observations,
        budget: CpuBudget,
        suspensions: Suspensions,
        throttling: Throttling,
        lookout: Lookout,
        holds: GilHolds,
    ) -> None:
        self.unexamined = 0
        self.due_at = self.busy_until = 0.0
        self._reports = reports
        self._failures = reports.failures
        self.inbox = inbox
        self._observations = observations
        self._budget = budget
        self._suspensions = suspensions
        self._throttling = throttling
        self._lookout = lookout
        self._holds = holds
        self._is_settling = False

    @property
    def is_behind(self) -> bool:
        """Whether a stall handed over is not settled, or its report is held back. From any thread."""
        # In this order: what has left the inbox is being settled, and what is being settled may then be held back.
        return bool(self.inbox) or self._is_settling or self._reports.is_holding

    @property
    def free_since(self) -> float:
        """When the watchdog was to look at the loops and had nothing else to do."""
        return max(self.due_at, self.busy_until)

    def settle_next(self) -> bool:
        """Settle the oldest stall handed over. Returns false if there is none."""
        self._is_settling = bool(self.inbox)
        if not self._is_settling:
            return False
        item = self.inbox.popleft()
        if isinstance(item, Marker):
            if item.releases:
                self.release_all()
            item.settled.set()
        elif isinstance(item, Backlog):
            self._release(item)
        elif isinstance(item, PauseBetweenSteps):
            self._report_pause(item)
        elif len(self.inbox) >= INBOX_HOLDS and self._is_short(item):
            self._reports.drop(item)
        else:
            self._settle(item, self._observation_of(item), ongoing=False)
        return True

    def report_ongoing(self, clock: LoopClock, observation: Observation, at: float) -> None:
        """Report the stall of the step that runs, as far as it is known now."""
        handle = clock.handle
        observation.next_report_at = at + min(LONGEST_REPORT_INTERVAL_S, at - observation.step_started)
        if handle is not None and not (is_gil_enabled() and clock.is_own_work(handle)):
            started, cpu = observation.step_started, clock.read_cpu()
            own = clock.in_flight.own(handle, started) if is_gil_enabled() else None
            waiting, delayed = clock.in_flight.others(own), clock.in_flight.some(own)
            stall = Stall(clock, handle, started, at, cpu, clock.subscribers, waiting, delayed=delayed, request=own)
            observation.other_threads = other_threads(clock.thread_id)
            self._settle(stall, observation, ongoing=True)

    def release_all(self) -> None:
        """Give out every report that is held back."""
        self._release(None)

    def _is_short(self, stall: Stall) -> bool:
        """Return whether a stall is short, even if the watchdog, which looks at what lasts, was late."""
        is_observed = (stall.clock, stall.step_started) in self._observations
        return stall.ended - stall.step_started < SHORT_S and not is_observed

    def _observation_of(self, stall: Stall) -> Observation:
        clock, started = stall.clock, stall.step_started
        if self._budget.hid(started) and stall.trace is None and (clock, started) not in self._observations:
            self.unexamined += 1
            return self._observations.unexamined(clock, started)
        # The loop itself has no threshold any more if its last subscriber has left.
        return self._observations.of_step(clock, started, stall.threshold_s)

    def _settle(self, stall: Stall, observation: Observation, *, ongoing: bool) -> None:
        with self._failures.contained():
            if not observation.is_unexamined:
                self._complete(observation, stall, ongoing=ongoing)
            self._reports.report(stall, observation, ongoing)
        with self._failures.contained():
            if not ongoing:
                stall.clock.recent_pauses.note(stall.ended, stall.ended - stall.step_started)
            usage = stall.clock.usage
            usage.stalled(stall.step_started, stall.ended, observation.before, stall.cpu, stall.clock.thread.run_delay)
        self.busy_until = now()
        self._suspensions.check(now(), process_s())

    def _report_pause(self, pause: PauseBetweenSteps) -> None:
        """Report a pause between steps, and look for its holder, unless the watchdog has found it already."""
        with self._failures.contained():
            clock = pause.clock
            clock.history.paused_until = max(clock.history.paused_until, pause.until)
            clock.recent_pauses.note(pause.until, pause.until - pause.since)
            hold = self._holds.within(clock.thread_id, pause.since, pause.until) or self._look_for_holder(pause)
            before, suspended_s = clock.history.reading_before(pause.since), self._suspended_s(pause)
            self._reports.report_pause(pause, SeenPause(self._observations.new_stall_id(), before, suspended_s, hold))
        self.busy_until = now()

    def _look_for_holder(self, pause: PauseBetweenSteps) -> Hold | None:
        self._holds.look(pause.since, pause.until)
        return self._holds.within(pause.clock.thread_id, pause.since, pause.until)

    def _suspended_s(self, pause: PauseBetweenSteps) -> float:
        return self._suspensions.within(pause.since, pause.until)

    def _release(self, backlog: Backlog | None) -> None:
        with self._failures.contained():
            self._reports.release(backlog)

    def _complete(self, observation: Observation, stall: Stall, *, ongoing: bool) -> None:
        if observation.otel_span is None:
            observation.otel_span = stall.clock.otel_span_of(stall.handle)
        observation.suspended_s = self._suspensions.within(stall.step_started, stall.ended)
        observation.unexplained_s = self._suspensions.unexplained_within(stall.step_started, stall.ended)
        observation.throttled = self._throttling.within(stall.step_started, stall.ended)
        observation.hold = self._holds.within(stall.clock.thread_id, stall.step_started, stall.ended)
        if not ongoing:
            observation.end(self.free_since, stall.clock.history.delays)
        with self._failures.contained():  # the samples say enough
            self._look_up(observation, stall, ongoing=ongoing)

    def _look_up(self, observation: Observation, stall: Stall, *, ongoing: bool) -> None:
        """Take from the lookout what it has seen of the step while the watchdog waited for the GIL."""
        self._lookout.read()
        looks, thread_id = tuple(self._lookout.looks), stall.clock.thread.native_id
        if not looks:
            return
        replace_late_samples(observation, looks, thread_id)
        if not ongoing:
            due_at, (delayed_s, turns) = observation.unseen_since, observation.unseen_turns or (0.0, None)
            end = Sample(due_at, due_at, stall.ended, stall.cpu, GilWait.SHARED, (), delayed_s, turns)
            add_unseen_end(observation, looks, thread_id, end)
