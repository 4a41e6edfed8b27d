"""Keeps what the watchdog has seen of one step, until its stall is settled or the step ends without one."""

from contextvars import Context
from dataclasses import dataclass, field

from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.machine.cpu_clocks import CpuReading, Delays, Turns
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.machine.throttling import NEVER_THROTTLED, Throttled
from loopwatch.detection.sampling.gil_holds import Hold
from loopwatch.detection.sampling.sample import Sample

MAX_SAMPLES = 400
TRACED_THRESHOLDS = 4
LEAST_TRACED_S = 0.25
"""A step that has computed for ``TRACED_THRESHOLDS`` and for this long is no longer traced, only sampled."""
_CONTESTED = (GilWait.PASSED_ON, GilWait.CONTESTED, GilWait.SHARED)


@dataclass(slots=True)
class Observation:
    """The samples of one step and what else the watchdog has seen of it. Only the watchdog's thread touches it."""

    step_started: float
    next_sample_at: float
    before: CpuReading
    next_report_at: float
    delays: Delays | None
    samples: list[Sample] = field(default_factory=list)
    stall_id: str = ""
    context: Context | None = None
    """A copy of the step's context as it was at the first sample, because its request may be over soon."""
    otel_span: object | None = None
    suspended_s: float = 0.0
    """For how much of the step the process was suspended. Set when its stall is settled."""
    unexplained_s: float = 0.0
    """How much of that was not the watchdog's own wait for a CPU. Set when its stall is settled."""
    throttled: Throttled = NEVER_THROTTLED
    """How the process was throttled meanwhile. Set when its stall is settled."""
    hold: Hold | None = None
    """The thread that kept the GIL for most of the step, if it is known. Set when the stall is settled."""
    other_threads: tuple[tuple[tuple[Site, ...], int], ...] = ()
    """What the other threads ran when the stall was last reported as ongoing (``other_threads``)."""
    unseen_since: float = NEVER
    """When the watchdog was due to look again, but could not before the step ended."""
    unseen_turns: Turns | None = None
    """The turns on a CPU that the loop's thread has had since the last sample. Set when the stall is settled."""

    was_reported: bool = False
    """Whether the stall has been reported while it went on, so that its end must be, too."""
    is_unexamined: bool = False
    """Whether the watchdog had no CPU time left to look at the step, so that only its duration is known."""

    @property
    def is_contested(self) -> bool:
        """Whether other threads may have had the GIL between the call that took long and its sample."""
        return any(sample.gil_wait in _CONTESTED for sample in self.samples)

    def end(self, due_at: float, delays: Delays | None) -> None:
        """Note that the step is over. The watchdog was due to look at the loops again at ``due_at``."""
        self.unseen_since = max(self.next_sample_at, due_at)
        if delays is not None and self.samples and delays.since >= self.samples[-1].taken_at:
            self.unseen_turns = delays.loop_turns()

    def add(self, sample: Sample) -> None:
        if len(self.samples) >= MAX_SAMPLES:
            del self.samples[1::2]
        self.samples.append(sample)

    def has_computed_enough(self, threshold_s: float, sample: Sample) -> bool:
        """Return whether the step has computed for so long that tracing it must end."""
        at_least_s = max(LEAST_TRACED_S, TRACED_THRESHOLDS * threshold_s)
        if sample.taken_at - self.step_started < at_least_s:
            return False
        before_s, until_s = self.before.thread_s, sample.cpu.thread_s
        return before_s is None or until_s is None or until_s - before_s >= at_least_s
