"""Remembers what the watchdog saw of one loop at its last look. Only the watchdog's thread touches it."""

from collections import deque

from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.machine.cpu_clocks import CpuReading, Delays, Turns
from loopwatch.detection.machine.gil_wait import OtherThreads

REMEMBERED = 16
"""The watchdog reads the clocks at least every two fifths of a threshold, unless it has to wait for the GIL, too."""


class LoopHistory:
    """The watchdog's memory of one loop, from one look to the next.

    ``step`` is the moment when the step began that ran last, as of the last look. ``step_delays`` were read when that
    step was first seen, and ``delays`` most recently. ``after_step`` was read after the last known step had begun.
    """

    __slots__ = (
        *("_readings", "after_step", "delays", "first_reading", "first_turns"),
        *("is_new", "late_looks", "others", "paused_until", "rests_since", "step", "step_delays"),
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
        self._readings = deque([first_reading], maxlen=REMEMBERED)
        self.late_looks: deque[CpuReading] = deque(maxlen=REMEMBERED)
        """The readings after the latest looks that no rest followed, because the next one was due already."""
        self.after_step: CpuReading | None = None
        self.others = OtherThreads(first_reading)

    @property
    def before_rest(self) -> CpuReading:
        """The reading from the moment at which the watchdog went to rest most recently."""
        return self._readings[-1]

    def note(self, reading: CpuReading) -> None:
        """Note a reading as the watchdog goes to rest."""
        self._readings.append(reading)
        self.others.note(reading)

    def latest_before(self, moment: float, reading: CpuReading) -> CpuReading:
        """Return the latest reading from before a moment at which a step may have run; ``reading`` if there is none."""
        known = (*self.late_looks, self.after_step, self.before_rest, self.first_reading, reading)
        return max((each for each in known if each and each.at < moment), key=lambda each: each.at, default=reading)

    def reading_before(self, moment: float) -> CpuReading:
        """Return the latest reading from before a moment, or the earliest if there is none."""
        known = [self.first_reading, *self._readings, *filter(None, (self.after_step,))]
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
