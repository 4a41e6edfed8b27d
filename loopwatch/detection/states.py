"""What the loop's thread was doing between two samples: computing, waiting, or held up by the machine.

Told from two CPU clocks and from how long the watchdog itself had to wait for the GIL.
"""

from collections.abc import Sequence

from loopwatch.detection.calls import Cause
from loopwatch.detection.gil import GilWait
from loopwatch.detection.sampling import Sample
from loopwatch.detection.stopwatch import CpuReading

BUSY = 0.5
"""From this share of the wall time on, a thread counts as having been on a CPU."""
AT_REST = 0.2
SUSPENDED_S = 0.05
"""A shorter absence of the whole process is the machine's ordinary scheduling."""
PERSISTENT_SAMPLES = 4


def states_of(samples: Sequence[Sample], step_started: float, before: CpuReading) -> list[Cause]:
    """For each sample, the state of the thread in the time it ends."""
    states = []
    for index, sample in enumerate(samples):
        states.append(_state(sample, step_started, before))
        before = sample.cpu
        if states[-1].is_machine and _stands_still(samples, index):
            states[-1] = Cause.WAITING
    return states


def _state(sample: Sample, step_started: float, before: CpuReading) -> Cause:
    cpu = sample.cpu
    wall = cpu.at - max(before.at, step_started)
    if cpu.thread_s is None or before.thread_s is None or wall <= 0:
        return Cause.WAITING if sample.gil_wait is GilWait.NONE else Cause.COMPUTING
    thread = (cpu.thread_s - before.thread_s) / wall
    process = (cpu.process_s - before.process_s) / wall
    if thread >= BUSY:
        return Cause.COMPUTING
    if sample.gil_wait is GilWait.NONE:
        return Cause.WAITING
    if process - thread >= BUSY:
        return Cause.STARVED
    if process < AT_REST and sample.waited_s >= SUSPENDED_S:
        return Cause.SUSPENDED
    return Cause.WAITING


def _stands_still(samples: Sequence[Sample], index: int) -> bool:
    """Whether the thread has not moved for several samples: then it does not wait for the GIL, which goes round."""
    around = samples[max(0, index - PERSISTENT_SAMPLES + 1) : index + PERSISTENT_SAMPLES]
    same = 0
    for sample in around:
        same = same + 1 if sample.sites == samples[index].sites else 0
        if same >= PERSISTENT_SAMPLES:
            return True
    return False
