"""What the loop's thread was doing between two samples: computing, waiting, or held up by the machine.

Told from CPU clocks, from how long the watchdog itself had to wait for the GIL, and from how often the kernel has run
the thread: one that waits for the GIL wakes up every switch interval, one that waits for anything else does not.
"""

from collections.abc import Sequence

from loopwatch.detection.calls import Cause
from loopwatch.detection.gil import GilWait, others_s
from loopwatch.detection.sampling import Sample
from loopwatch.detection.stopwatch import CpuReading

BUSY = 0.5
"""From this share of the wall time on, a thread counts as having been on a CPU."""
AT_REST = 0.15
"""Up to this share it counts as having waited, with a little work around the waiting."""
SUSPENDED_S = 0.05
"""A shorter absence of the whole process is the machine's ordinary scheduling."""
WAKE_UPS_PER_S = 50
"""A thread that waits for the GIL wakes up 200 times a second."""


def states_of(samples: Sequence[Sample], step_started: float, before: CpuReading) -> list[Cause]:
    """For each sample, the state of the thread in the time it ends."""
    states = []
    for sample in samples:
        states.append(_state(sample, step_started, before))
        before = sample.cpu
    return [_as_its_neighbours(states, samples, index) for index in range(len(samples))]


def _state(sample: Sample, step_started: float, before: CpuReading) -> Cause:
    cpu = sample.cpu
    wall_s = cpu.at - max(before.at, step_started)
    if cpu.thread_s is None or before.thread_s is None or wall_s <= 0:
        return Cause.WAITING if sample.gil_wait is GilWait.NONE else Cause.COMPUTING
    own = (cpu.thread_s - before.thread_s) / wall_s
    others = others_s(before, cpu) / wall_s
    if own >= BUSY:
        return Cause.COMPUTING
    if sample.gil_wait is not GilWait.NONE:
        if others >= BUSY and not _slept_through(before, cpu):
            return Cause.STARVED
        if own + others < AT_REST and sample.waited_s >= SUSPENDED_S:
            return Cause.SUSPENDED
    return Cause.COMPUTING if own >= AT_REST else Cause.WAITING


def _slept_through(before: CpuReading, after: CpuReading) -> bool:
    """Whether the kernel has hardly run the thread, so that it cannot have been waiting for the GIL."""
    if before.timeslices is None or after.timeslices is None:
        return False
    return after.timeslices - before.timeslices <= 1 + WAKE_UPS_PER_S * (after.at - before.at)


def _as_its_neighbours(states: Sequence[Cause], samples: Sequence[Sample], index: int) -> Cause:
    """A thread seen to wait at the same place before or after was not held up by the machine in between."""
    if states[index].is_machine:
        for other in range(max(0, index - 1), min(len(samples), index + 2)):
            if states[other] is Cause.WAITING and samples[other].sites == samples[index].sites:
                return Cause.WAITING
    return states[index]
