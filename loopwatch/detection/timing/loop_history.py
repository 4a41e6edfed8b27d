"""Remembers what the watchdog saw of one loop at its last look. Only the watchdog's thread touches it."""

from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.machine.cpu_clocks import CpuReading, Delays, Turns
from loopwatch.detection.machine.gil_wait import OtherThreads


class LoopHistory:
    """The watchdog's memory of one loop, from one look to the next.

    ``step`` is the moment when the step began that ran last, as of the last look. ``step_delays`` were read when that
    step was first seen, and ``delays`` most recently. ``before_rest`` was read as the watchdog went to rest, and
    ``after_step`` after the last known step had begun.
    """

    __slots__ = (
        *("after_step", "before_rest", "delays", "first_reading", "first_turns"),
        *("is_new", "others", "paused_until", "rests_since", "step", "step_delays"),
    )

    def __init__(self, first_reading: CpuReading, first_turns: Turns | None) -> None:
        self.first_reading, self.first_turns = first_reading, first_turns
        """The reading and the turns from the moment at which loopwatch began to watch the loop."""
        self.step: float | None = None
        self.step_delays: Delays | None = None
        self.is_new = False
        """Whether ``step`` was new at the last look, and the clocks have not been read since."""
        self.delays: Delays | None = None
        self.rests_since = NEVER
        """When the loop came to rest most recently."""
        self.paused_until = 0.0
        """The end of the latest pause between steps, so that none is noted twice."""
        self.before_rest = first_reading
        self.after_step: CpuReading | None = None
        self.others = OtherThreads(first_reading)

    def reading_before(self, moment: float) -> CpuReading:
        """Return the latest reading from before a moment, or the earliest if there is none."""
        known = [each for each in (self.after_step, self.before_rest, self.first_reading) if each is not None]
        return max((each for each in known if each.at <= moment), key=lambda each: each.at, default=self.first_reading)

    def look_at(self, step: float) -> bool:
        """Note the step that runs or ran last, and return whether it is a new one."""
        if step == self.step:
            return False
        self.step, self.step_delays, self.is_new = step, self.delays, True
        return True

    def delays_of(self, step: float) -> Delays | None:
        """Return the delays as of the beginning of that step, as far as they are known."""
        return self.step_delays if step == self.step else self.delays
