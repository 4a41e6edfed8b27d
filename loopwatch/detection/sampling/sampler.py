"""Looks at the loops: reads their clocks, samples the steps that are overdue, and says when to look again.

Runs on the watchdog's thread. Reading a file may release the GIL, and the call that a sample is to show may end
meanwhile. So the order of statements matters: samples first, clocks next, run delays last.
"""

import sys
from collections.abc import Iterable

from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.machine.cpu_clocks import CpuReading, Delays, process_s
from loopwatch.detection.machine.gil_wait import ASKING, SampleRequest
from loopwatch.detection.machine.suspensions import Suspensions
from loopwatch.detection.machine.throttling import Throttling
from loopwatch.detection.sampling.gil_holds import GilHolds
from loopwatch.detection.sampling.observations import Observations
from loopwatch.detection.sampling.sample import take_sample
from loopwatch.detection.sampling.schedule import first_look_s, overdue_s, pause_s
from loopwatch.detection.sampling.settling import Settler
from loopwatch.detection.timing.in_flight import context_of
from loopwatch.detection.timing.lateness import SHORTEST_PAUSE_S
from loopwatch.detection.timing.loop_clock import LoopClock
from loopwatch.detection.timing.loop_history import LoopHistory

DELAYS_KEPT_S = 0.1
"""The run delays of a loop are at most this old when one of its steps becomes overdue."""


class Sampler:
    """Looks at all watched loops, and keeps the observations of their steps."""

    def __init__(
        self,
        observations: Observations,
        settler: Settler,
        suspensions: Suspensions,
        throttling: Throttling,
        holds: GilHolds,
    ) -> None:
        self._observations = observations
        self._settler = settler
        self._suspensions = suspensions
        self._throttling = throttling
        self._holds = holds
        self._clocks: tuple[LoopClock, ...] = ()
        self._at_rest: dict[LoopClock, CpuReading] = {}
        """The readings of loops that have just been found at rest, so that no clock is read twice for that."""
        self._read_delays_at = 0.0

    def watch(self, clocks: Iterable[LoopClock]) -> None:
        """Look at these loops from now on. From any thread."""
        self._clocks = tuple(clocks)
        self._read_delays_at = 0.0

    def glance(self) -> float | None:
        """Return when to look again if all steps are quick, which is so most of the time. ``None`` asks for a look.

        A stall that has been handed over needs the readings from before it, so the clocks must not be read first.
        """
        if self._settler.inbox:
            return None
        at, looks_at, steps = now(), NEVER, []
        for clock in self._clocks:
            handle, started = clock.handle, clock.started
            if handle is None:
                if started == clock.history.step:
                    if clock.wants_step_begin is True:
                        continue  # it rests, and will wake the watchdog
                    return None
                look_at = at + first_look_s(clock.threshold_s)
            elif started + overdue_s(clock.threshold_s) <= at:
                return None
            else:
                look_at = started + first_look_s(clock.threshold_s)
            looks_at = min(looks_at, look_at)
            steps.append((clock.history, started))
        for history, started in steps:
            history.look_at(started)
        return looks_at if steps else None

    def read_clocks(self) -> None:
        for clock in self._clocks:
            history = clock.history
            reading = self._at_rest.get(clock) or clock.read_cpu()
            history.note(reading)
            _read_after_step(clock, reading)
        self._at_rest.clear()
        self._holds.cpu.read()
        # Reading delays may release the GIL, so it comes second. It costs more than all the rest, and most steps are
        # quick.
        watchdog_delay = self._observations.watchdog_delay
        if watchdog_delay is not None and (self._observations or now() >= self._read_delays_at):
            for clock in self._clocks:
                clock.history.delays = Delays(clock.thread.run_delay, watchdog_delay)
            self._read_delays_at = now() + DELAYS_KEPT_S
        self._suspensions.check(now(), process_s())
        self._throttling.note()

    def sample_overdue_steps(self, asked_at: float) -> None:
        """Sample each loop whose step is overdue. The watchdog has asked for the GIL since ``asked_at``."""
        for clock in self._clocks:
            self._sample_if_overdue(clock, asked_at)

    def note_wait(self, asked_at: float) -> None:
        """Look who kept the GIL if the watchdog had to wait for it, and which loops paused between steps meanwhile."""
        asked_at = max(asked_at, self._settler.busy_until)
        if not self._holds.has_waited(asked_at):
            return
        until = now()
        hold = self._holds.look(asked_at, until)
        for clock in self._clocks:
            if clock.subscribers and (hold is None or hold.thread_id != clock.thread_id):
                self._note_pause(clock, asked_at if hold is None else hold.since, until)

    def next_look(self) -> float | None:
        """Return when to look again; ``None`` if all loops rest, and will wake the watchdog with their next step."""
        looks = []
        for clock in self._clocks:
            look_at = self._next_look_at(clock)
            if look_at is not None:
                looks.append(look_at)
                if look_at <= now():  # there is no rest before which the clocks are read
                    clock.history.late_looks.append(clock.read_cpu())
        return min(looks, default=None)

    def forget_past_steps(self) -> None:
        """Keep the observations of the running steps only, unless a stall still to be settled may need another."""
        if self._observations and not self._settler.inbox:
            self._observations.forget_past_steps(self._clocks)

    def _sample_if_overdue(self, clock: LoopClock, asked_at: float) -> None:
        started, handle = clock.started, clock.handle
        threshold_s = clock.threshold_s  # the last subscriber may leave the loop while it is being sampled
        if handle is None or not clock.subscribers:
            return
        observation = self._observations.get((clock, started))
        next_sample_at = started + overdue_s(threshold_s) if observation is None else observation.next_sample_at
        if now() < next_sample_at:
            return
        history = clock.history
        at = max(next_sample_at, asked_at)
        due_at = max(next_sample_at, self._settler.free_since)
        load = history.others.load
        request = SampleRequest(due_at, at, asked_at, history.before_rest, load, threshold_s, history.delays)
        sample = take_sample(clock, started, request)
        if sample is None:
            return
        observation = self._observations.of_step(clock, started, threshold_s)
        observation.add(sample)
        if observation.context is None:
            observation.context = context_of(handle)
        if observation.otel_span is None:
            observation.otel_span = clock.otel_span_of(handle)
        taken_in_s = now() - sample.taken_at
        tracer = clock.tracer
        if tracer is not None and sample.is_between_calls and observation.has_computed_enough(threshold_s, sample):
            tracer.relieve()
        observation.next_sample_at = now() + pause_s(threshold_s, sample.taken_at - started, taken_in_s)
        if now() >= observation.next_report_at:
            self._settler.report_ongoing(clock, observation, now())

    def _note_pause(self, clock: LoopClock, since: float, until: float) -> None:
        """Hand over the pause of a loop that had something to do, but ran no step while the GIL was kept.

        A loop that rests says so itself when it comes late to its next step.
        """
        handle, started, history = clock.handle, clock.started, clock.history
        if (handle is not None and started <= since) or (handle is None and clock.wants_step_begin is True):
            return
        if started > since:
            until = started
        since = max(since, clock.stalled_until, clock.late_until, history.paused_until, history.step or 0.0)
        if until - since >= max(clock.threshold_s, SHORTEST_PAUSE_S) and _asked(history, until - since):
            self._settler.inbox.append(clock.pause(since, until))

    def _next_look_at(self, clock: LoopClock) -> float | None:
        if not clock.subscribers:
            return None
        handle, started = clock.handle, clock.started
        history, is_new = clock.history, clock.history.look_at(started)
        if handle is not None:
            observation = self._observations.get((clock, started))
            return started + first_look_s(clock.threshold_s) if observation is None else observation.next_sample_at
        # After a long rest, the next rest is likely to follow after one step: some servers wake their loops ten times a
        # second to check the time.
        if not is_new or started - history.rests_since >= clock.threshold_s:
            reading = clock.read_cpu()
            _read_after_step(clock, reading)
            history.after_step = reading
            clock.wants_step_begin = True
            if clock.handle is None and clock.started == started:
                history.rests_since = reading.at
                self._at_rest[clock] = reading
                if not self._settler.inbox:  # a stall is reported before the rest that follows it
                    clock.usage.rests(reading, clock.thread.run_delay)
                return None
        return now() + first_look_s(clock.threshold_s)


def _asked(history: LoopHistory, lasted_s: float) -> bool:
    """Return whether the loop's thread is known to have asked for the GIL for so long.

    It wakes up once every switch interval to ask (``verdict.thread_states``); in its selector it sleeps.
    """
    turns = None if history.delays is None else history.delays.loop_turns()
    return turns is not None and turns.taken >= ASKING * lasted_s / sys.getswitchinterval()


def _read_after_step(clock: LoopClock, reading: CpuReading) -> None:
    """Note a reading that may be the first one since the latest known step began."""
    history = clock.history
    if history.is_new:
        history.is_new = False
        history.after_step = reading
        clock.usage.step(history.step or 0.0, reading, clock.thread.run_delay)
