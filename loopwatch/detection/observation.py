"""What the watchdog has seen of one step, until the stall is settled or the step proves to be none."""

from dataclasses import dataclass, field

from loopwatch.detection.clock import NEVER
from loopwatch.detection.cpu_clocks import CpuReading, Delays, Turns
from loopwatch.detection.gil import GilWait
from loopwatch.detection.sampling import Sample

MAX_SAMPLES = 400


@dataclass(slots=True)
class Observation:
    """What the watchdog has seen of one step. Only its thread touches it."""

    step_started: float
    next_sample_at: float
    before: CpuReading
    next_report_at: float
    delays: Delays | None
    samples: list[Sample] = field(default_factory=list)
    stall_id: str = ""
    mark: object | None = None
    absent_s: float = 0.0
    """For how much of it the process was suspended, as of when its stall is settled."""
    unseen_since: float = NEVER
    """When the watchdog was to look again, and could not before the step had ended."""
    unseen_turns: Turns | None = None
    """What the loop's thread has had of them since the last sample, as of when the stall is settled."""

    @property
    def is_contested(self) -> bool:
        """Whether other threads may have come between what took long and its sample."""
        return any(sample.gil_wait in (GilWait.CONTESTED, GilWait.SHARED) for sample in self.samples)

    def add(self, sample: Sample) -> None:
        if len(self.samples) >= MAX_SAMPLES:
            del self.samples[1::2]
        self.samples.append(sample)
