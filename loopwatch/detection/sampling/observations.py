"""The observations of the steps that are overdue. Only the watchdog's thread touches them."""

import random
from collections.abc import Iterable

from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.machine.cpu_clocks import Delays, RunDelay
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.sampling.schedule import overdue_s
from loopwatch.detection.timing.loop_clock import LoopClock


class Observations(dict[tuple[LoopClock, float], Observation]):
    """Maps a loop and the moment when its step began to the observation of that step. Most steps end without one."""

    def __init__(self) -> None:
        super().__init__()
        # ``uuid4`` reads ``os.urandom``, which releases the GIL and so may lose a sample. A forked child makes a new
        # watchdog, which seeds its own.
        self._random = random.Random()  # noqa: S311
        self.watchdog_delay: RunDelay | None = None
        """The run delay of the watchdog's thread, which sets this as it starts."""

    def of_step(self, clock: LoopClock, started: float, threshold_s: float) -> Observation:
        """Return the observation of the step that began at ``started``. A step without one gets one."""
        observation = self.get((clock, started))
        if observation is None:
            observation = self[clock, started] = self._begin(clock, started, threshold_s)
        return observation

    def unexamined(self, clock: LoopClock, started: float) -> Observation:
        """Return an observation of a step that the watchdog could not look at."""
        before, stall_id = clock.history.before_rest, self.new_stall_id()
        return Observation(started, NEVER, before, NEVER, None, stall_id=stall_id, is_unexamined=True)

    @property
    def oldest_serving_step(self) -> float:
        """The moment when the first step of a loop that serves requests began; ``NEVER`` if there is none."""
        return min((started for clock, started in self if clock.serves), default=NEVER)

    def forget_past_steps(self, clocks: Iterable[LoopClock]) -> None:
        """Keep only the observations of the steps that run.

        A step that was unobserved as it began runs until the next step, which has begun by then, ends it.
        """
        steps = ((clock, step) for clock in clocks for step in (clock, clock.in_flight.unobserved))
        running = {(clock, step.started) for clock, step in steps if step is not None}
        for step in self.keys() - running:
            del self[step]

    def _begin(self, clock: LoopClock, started: float, threshold_s: float) -> Observation:
        overdue_at = started + overdue_s(threshold_s)
        reading = clock.read_cpu()
        # A step that kept the GIL is noticed late, so it is measured from the reading before it: the latest one from
        # before it was overdue.
        history = clock.history
        before = history.latest_before(overdue_at, reading)
        history.after_step = reading
        clock.usage.step(started, reading, clock.thread.run_delay)
        delays = history.delays_of(started)
        if delays is None and self.watchdog_delay is not None:  # the last reading is older than the watch
            delays = Delays(clock.thread.run_delay, self.watchdog_delay, history.first_turns)
        ongoing_at = started + clock.ongoing_after_s
        return Observation(started, overdue_at, before, ongoing_at, delays, stall_id=self.new_stall_id())

    def new_stall_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"
