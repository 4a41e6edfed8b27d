"""The watchdog: a thread that samples a loop's stack while its step is overdue, and joins the samples to the stall.

It looks at a loop from time to time while steps run, so that none is overdue for long, and not at all while the loop
rests: it parks, and the first step that follows wakes it. Samples and stalls are joined here, by the step they belong
to, because a sample of a call that kept the GIL is still in flight when the step has ended.
"""

import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.machine.cpu_clocks import CpuReading, Delays, RunDelay, cpu_clock_id, process_s
from loopwatch.detection.machine.gil_wait import SampleRequest
from loopwatch.detection.machine.suspensions import Absences
from loopwatch.detection.sampling.cpu_budget import CpuBudget, WatchdogFigures
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.sampling.sample import take_sample
from loopwatch.detection.timing.loop_clock import LoopClock, Stall

logger = logger_of()
_moment = attrgetter("at")

SHORTEST_INTERVAL_S = 0.001
OVERDUE_FRACTION = 0.2
"""A step is sampled from this part of the threshold on, so that what happened before the stall was one is known too."""
FIRST_LOOK_FRACTION = 0.4
"""At this part of the threshold at the latest; most steps are quick, and looking at each in time would cost twice."""
INTERVAL_FRACTION = 0.1
DELAYS_KEPT_S = 0.1
"""How old what is known of a loop's delays may be when one of its steps becomes overdue."""
LONGEST_REST_S = 3600.0
PAUSE_AFTER_FAILURE_S = 1.0
COUNTED_AT_ONCE = 16
"""After so many stalls that are only counted, others may have the GIL."""
STRETCH = 0.05
"""The longer a stall lasts, the rarer its samples: every twentieth of its age."""


@dataclass(frozen=True, slots=True)
class Marker:
    """Set when everything handed over before it has been settled."""

    settled: threading.Event


class Watchdog:
    """``settle(stall, observation, ongoing)`` is called for every stall, on this thread, in the order of their ends."""

    def __init__(self, settle: Callable[[Stall, Observation, bool], None]) -> None:
        self._failures = self._unexamined = 0
        self._settle = settle
        # ``uuid4`` would let go of the GIL, and with it of a sample; a fork makes a new watchdog, seeded anew.
        self._random = random.Random()  # noqa: S311
        self._inbox: deque[Stall | Marker] = deque()
        self._wakeup = threading.Lock()
        self._wakeup.acquire()
        self._woken_at = 0.0
        self._started_at = self._due_at = self._settled_at = 0.0
        self._clocks: tuple[LoopClock, ...] = ()
        self._observations: dict[tuple[LoopClock, float], Observation] = {}
        """By loop and by when the step began. Most steps end without one: it is begun when they are overdue."""
        self._ask_delays_at = 0.0
        self._budget = CpuBudget()
        self._absences = Absences(now(), process_s())
        self._cpu_clock_id: int | None = None
        self._run_delay: RunDelay | None = None
        self._stopping = False
        self._settling = False
        self._thread = threading.Thread(target=self._run, name="loopwatch-watchdog", daemon=True)

    def start(self) -> None:
        self._started_at = now()
        self._thread.start()
        self._cpu_clock_id = cpu_clock_id(self._thread.ident or 0)

    def stop(self) -> None:
        """Settle what was handed over and end the thread. Not to be called on it."""
        self._stopping = True
        self.wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def cpu_s(self) -> float:
        """CPU seconds this thread has used, where the platform tells; from any thread."""
        try:
            return 0.0 if self._cpu_clock_id is None else time.clock_gettime(self._cpu_clock_id)
        except OSError:  # the thread has ended
            return 0.0

    @property
    def figures(self) -> WatchdogFigures:
        """Those so far; from any thread."""
        return WatchdogFigures(self.cpu_s(), self._failures, self._unexamined)

    def watch(self, clocks: Iterable[LoopClock]) -> None:
        self._clocks = tuple(clocks)
        self._ask_delays_at = 0.0
        self.wake()

    def wake(self) -> None:
        # A lock that is free, which would raise, means that the watchdog is awake, or about to be.
        if self._wakeup.locked():
            self._woken_at = now()
            with contextlib.suppress(RuntimeError):
                self._wakeup.release()

    def hand_over(self, stall: Stall) -> None:
        self._inbox.append(stall)
        self.wake()

    @property
    def is_behind(self) -> bool:
        """Whether something handed over is not settled yet. The order matters: what left the inbox is being settled."""
        return bool(self._inbox) or self._settling

    def settled(self, timeout_s: float) -> bool:
        """Wait until everything handed over so far is settled. From any thread but the watchdog's own."""
        marker = Marker(threading.Event())
        self._inbox.append(marker)
        self.wake()
        return marker.settled.wait(timeout_s)

    def new_stall_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def _run(self) -> None:
        self._run_delay = RunDelay(threading.get_native_id())
        self._budget = CpuBudget()
        look_at: float | None = now()
        asked_at = self._started_at  # the GIL may have been out of reach since
        while not self._stopping:
            try:
                if self._budget.is_spent():
                    look_at = asked_at = self._save()
                    continue
                if look_at is None or look_at > now():
                    asked_at = self._rest(look_at)
                else:
                    self._due_at = look_at
                look_at = self._look(asked_at)
            except BaseException as error:  # noqa: BLE001 - the watchdog must go on
                self._note_failure(error)
                self._wakeup.acquire(timeout=PAUSE_AFTER_FAILURE_S)
        self._drain()

    def _rest(self, look_at: float | None) -> float:
        """Until then, or until woken, and on while all steps are quick; when that was due."""
        while True:
            self._read_clocks()
            # A loop that nobody watches any more, as of just now, has no threshold.
            rest_s = -1 if look_at is None else min(max(0.0, look_at - now()), LONGEST_REST_S)
            is_woken = self._wakeup.acquire(timeout=rest_s)
            asked_at = self._woken_at if is_woken or look_at is None else look_at
            self._due_at = asked_at if look_at is None else min(asked_at, look_at)
            look_at = None if is_woken or self._observations else self._glance()
            if look_at is None:
                self._absences.wakes(self._due_at, now(), process_s())
                return asked_at
            self._absences.rested(self._due_at)

    def _save(self) -> float:
        """Leave the loops alone for a while, and only count the stalls handed over until then; when that is over."""
        self._budget.save()
        self._absences.rested(now())
        while self._inbox:
            for _ in range(COUNTED_AT_ONCE):
                self._settle_next()
            self._budget.pause()
        self._read_clocks()
        self._due_at = self._settled_at = now()
        return self._due_at

    def _glance(self) -> float | None:
        """When to look again, if all steps are quick, which is so most of the time; ``None`` if more is to be done."""
        at, looks_at, steps = now(), NEVER, []
        for clock in self._clocks:
            handle, started = clock.handle, clock.started
            if handle is None:
                if started == clock.history.step:
                    if clock.wants_step_begin is True:
                        continue  # it rests, and will wake the watchdog
                    return None
                look_at = at + _first_look_s(clock.threshold_s)
            elif started + _overdue_s(clock.threshold_s) <= at:
                return None
            else:
                look_at = started + _first_look_s(clock.threshold_s)
            looks_at = min(looks_at, look_at)
            steps.append((clock.history, started))
        for seen, started in steps:
            seen.look_at(started)
        return looks_at if steps else None

    def _read_clocks(self) -> None:
        for clock in self._clocks:
            reading, seen = clock.read_cpu(), clock.history
            seen.before_rest = reading
            seen.others.note(reading)
            _read_after_step(clock, reading)
        # Asking may let go of the GIL, so it comes second. It costs more than all the rest, and most steps are quick.
        if self._run_delay is not None and (self._observations or now() >= self._ask_delays_at):
            for clock in self._clocks:
                clock.history.delays = Delays(clock.thread.run_delay, self._run_delay)
            self._ask_delays_at = now() + DELAYS_KEPT_S
        self._absences.check(now(), process_s())

    def _look(self, asked_at: float) -> float | None:
        """Look at every loop; when to look again, or ``None`` when all of them rest."""
        # Samples first, before anything that might let go of the GIL: what they are to show may be just ending. And
        # again after every stall that was settled: meanwhile a call that keeps the GIL may have come and gone.
        while True:
            for clock in self._clocks:
                self._look_at_step(clock, asked_at)
            if not self._settle_next() or self._budget.is_spent():
                break
        self._forget_past_steps()
        looks = [look_at for clock in self._clocks if (look_at := self._next_look(clock)) is not None]
        return min(looks, default=None)

    def _look_at_step(self, clock: LoopClock, asked_at: float) -> None:
        """Sample the step that runs, if it is overdue."""
        started, handle = clock.started, clock.handle
        threshold_s = clock.threshold_s  # the last watcher may leave the loop while it is being sampled
        if handle is None or not clock.watchers:
            return
        observation = self._observations.get((clock, started))
        wanted_at = started + _overdue_s(threshold_s) if observation is None else observation.next_sample_at
        if now() < wanted_at:
            return
        seen = clock.history
        at = max(wanted_at, asked_at)
        due_at = max(wanted_at, self._due_at, self._settled_at)
        wanted = SampleRequest(due_at, at, asked_at, seen.before_rest, seen.others.load, threshold_s, seen.delays)
        sample = take_sample(clock, started, wanted)
        if sample is None:
            return
        observation = self._observation_of(clock, started, threshold_s)
        observation.add(sample)
        if observation.otel_span is None:
            observation.otel_span = clock.otel_span_of(handle)
        taken_in_s = now() - sample.taken_at
        age = sample.taken_at - started
        tracer = clock.tracer
        if tracer is not None and sample.is_between_calls and observation.has_computed_enough(threshold_s, sample):
            tracer.relieve()
        # The more a sample costs, the rarer they are, so that deep stacks do not make a stall longer.
        costly_s = min(20 * taken_in_s, OVERDUE_FRACTION * threshold_s)
        pause = max(SHORTEST_INTERVAL_S, INTERVAL_FRACTION * threshold_s, STRETCH * age, costly_s)
        observation.next_sample_at = now() + pause
        if now() >= observation.next_report_at:
            self._report_ongoing(clock, observation, now())

    def _next_look(self, clock: LoopClock) -> float | None:
        """When to look at this loop again; ``None`` if it rests, and will wake the watchdog with its next step."""
        if not clock.watchers:
            return None
        handle, started = clock.handle, clock.started
        seen, is_new = clock.history, clock.history.look_at(started)
        if handle is not None:
            observation = self._observations.get((clock, started))
            return started + _first_look_s(clock.threshold_s) if observation is None else observation.next_sample_at
        # After a long rest, one step is likely to be followed by the next rest: some servers wake their loops ten times
        # a second, to look at a clock.
        if not is_new or started - seen.rests_since >= clock.threshold_s:
            reading = clock.read_cpu()
            _read_after_step(clock, reading)
            seen.after_step = reading
            clock.wants_step_begin = True
            if clock.handle is None and clock.started == started:
                seen.rests_since = reading.at
                if not self._inbox:  # a stall is told of before the rest that follows it
                    clock.usage.rests(reading, clock.thread.run_delay)
                return None
        return now() + _first_look_s(clock.threshold_s)

    def _observation_of(self, clock: LoopClock, started: float, threshold_s: float) -> Observation:
        """The observation of the step that began at ``started``, which is begun if it is a new step."""
        observation = self._observations.get((clock, started))
        if observation is None:
            observation = self._observations[clock, started] = self._observe(clock, started, threshold_s)
        return observation

    def _observation_of_stall(self, stall: Stall) -> Observation:
        clock, started = stall.clock, stall.step_started
        if self._budget.hid(started) and stall.trace is None and (clock, started) not in self._observations:
            self._unexamined += 1
            before, stall_id = clock.history.before_rest, self.new_stall_id()
            return Observation(started, NEVER, before, NEVER, None, stall_id=stall_id, is_unexamined=True)
        # The loop itself has no threshold any more if its last watcher has left.
        return self._observation_of(clock, started, stall.threshold_s)

    def _forget_past_steps(self) -> None:
        """Once nothing handed over is left to settle, only the steps that run matter."""
        if self._observations and not self._inbox:
            running = {(clock, clock.started) for clock in self._clocks}
            self._observations = {key: seen for key, seen in self._observations.items() if key in running}

    def _observe(self, clock: LoopClock, started: float, threshold_s: float) -> Observation:
        overdue_at = started + _overdue_s(threshold_s)
        reading = clock.read_cpu()
        # A step seen late, because it kept the GIL, is measured from the reading before it.
        seen = clock.history
        earlier = (seen.after_step, seen.before_rest, clock.history.first_reading, reading)
        # The latest from before the step, or from soon after it began.
        before = max((each for each in earlier if each and each.at < overdue_at), key=_moment, default=reading)
        seen.after_step = reading
        clock.usage.step(started, reading, clock.thread.run_delay)
        delays = seen.delays_of(started)
        if delays is None and self._run_delay is not None:  # the loop was not watched when they were last read
            delays = Delays(clock.thread.run_delay, self._run_delay, clock.history.first_turns)
        ongoing_at = started + clock.ongoing_after_s
        return Observation(started, overdue_at, before, ongoing_at, delays, stall_id=self.new_stall_id())

    def _report_ongoing(self, clock: LoopClock, observation: Observation, at: float) -> None:
        handle = clock.handle
        observation.next_report_at = at + min(60.0, at - observation.step_started)
        if handle is not None:
            own = clock.in_flight.own(handle) if is_gil_enabled() else None
            waiting, delayed = clock.in_flight.others(own), clock.in_flight.some(own)
            started, cpu = observation.step_started, clock.read_cpu()
            stall = Stall(clock, handle, started, at, cpu, clock.watchers, waiting, delayed=delayed, request=own)
            self._settle_safely(stall, observation, ongoing=True)

    def _drain(self) -> None:
        while self._settle_next():
            pass

    def _settle_next(self) -> bool:
        """Settle the oldest stall handed over; false when there is none."""
        self._settling = bool(self._inbox)
        if not self._settling:
            return False
        item = self._inbox.popleft()
        if isinstance(item, Marker):
            item.settled.set()
        else:
            self._settle_safely(item, self._observation_of_stall(item), ongoing=False)
        return True

    def _settle_safely(self, stall: Stall, observation: Observation, *, ongoing: bool) -> None:
        try:
            if not observation.is_unexamined:
                self._complete(observation, stall, ongoing=ongoing)
            self._settle(stall, observation, ongoing)
            usage = stall.clock.usage
            usage.stalled(stall.step_started, stall.ended, observation.before, stall.cpu, stall.clock.thread.run_delay)
        except BaseException as error:  # noqa: BLE001 - the watchdog must go on, even if a subscriber wants to exit
            self._note_failure(error)
        self._settled_at = now()
        self._absences.check(now(), process_s())

    def _complete(self, observation: Observation, stall: Stall, *, ongoing: bool) -> None:
        if observation.otel_span is None:
            observation.otel_span = stall.clock.otel_span_of(stall.handle)
        observation.absent_s = self._absences.within(stall.step_started, stall.ended)
        if not ongoing:
            observation.end(max(self._due_at, self._settled_at), stall.clock.history.delays)

    def _note_failure(self, error: BaseException) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.error("The watchdog failed, which is a bug in loopwatch; more are only counted", exc_info=error)


def _first_look_s(threshold_s: float) -> float:
    return max(SHORTEST_INTERVAL_S, FIRST_LOOK_FRACTION * threshold_s)


def _overdue_s(threshold_s: float) -> float:
    return max(SHORTEST_INTERVAL_S, OVERDUE_FRACTION * threshold_s)


def _read_after_step(clock: LoopClock, reading: CpuReading) -> None:
    """The clocks have been read; perhaps for the first time since the step began that was seen last."""
    seen = clock.history
    if seen.is_new:
        seen.is_new = False
        seen.after_step = reading
        clock.usage.step(seen.step or 0.0, reading, clock.thread.run_delay)
