"""What the watchdog has seen of one loop. Only its thread touches it."""

from loopwatch.detection.clock import NEVER
from loopwatch.detection.cpu_clocks import CpuReading, Delays
from loopwatch.detection.gil import OtherThreads


class Seen:
    """``step`` is when the step began that ran, or had run last, at the last look; ``step_delays`` are as of when it
    was first seen, ``delays`` the latest. ``before_rest`` was read as the watchdog's rest began, ``after_step`` after
    the beginning of the step that was known last.
    """

    __slots__ = ("after_step", "before_rest", "delays", "is_new", "others", "rests_since", "step", "step_delays")

    def __init__(self, first_reading: CpuReading) -> None:
        self.step: float | None = None
        self.step_delays: Delays | None = None
        self.is_new = False
        """Whether the last look was the first at that step, which the clocks have not been read for yet."""
        self.delays: Delays | None = None
        self.rests_since = NEVER
        """When the loop came to rest for the last time."""
        self.before_rest = first_reading
        self.after_step: CpuReading | None = None
        self.others = OtherThreads(first_reading)

    def look_at(self, step: float) -> bool:
        """Note the step that runs or ran last, and return whether it is another one than before."""
        if step == self.step:
            return False
        self.step, self.step_delays, self.is_new = step, self.delays, True
        return True

    def delays_of(self, step: float) -> Delays | None:
        """Return the delays as of when that step began, as far as they are known."""
        return self.step_delays if step == self.step else self.delays
