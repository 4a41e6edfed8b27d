"""Decides what the loop's thread was doing between two samples: computing, waiting, or held up by the machine.

The evidence is the CPU clocks, and how long the watchdog itself waited for the GIL.
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from loopwatch.detection.calls import Cause
from loopwatch.detection.machine.cpu_clocks import CpuReading, Delays, others_s
from loopwatch.detection.machine.gil_wait import ASKING, GilWait
from loopwatch.detection.sampling.sample import Sample

BUSY = 0.5
"""A thread that used this share of the wall time was running."""
SHARED_CPU = 0.35
"""A thread that left the GIL free and used this share was computing, on a CPU that others used too."""
MORE_THAN_WAKING = 0.02
"""Waking up now and then takes less than this share."""
AT_REST = 0.2
"""A thread that used less than this share was waiting, with a little work around the wait."""
SUSPENDED_S = 0.05
"""A shorter pause of the whole process is ordinary scheduling."""
PERSISTENT_SAMPLES = 4
STARTING = 4
"""``Thread.start`` is one of this many innermost frames while it waits for its thread."""
FEWEST_ASKS = 2.0
"""Fewer expected turns prove nothing."""
ONLY_WAITS = frozenset(
    {
        *("time.sleep", "threading.Lock.acquire", "threading.RLock.acquire"),
        *("select.select", "select.poll.poll", "select.epoll.poll", "select.kqueue.control"),
        *("socket.socket.accept", "socket.socket.connect", "socket.socket.recv"),
    }
)
"""C functions that do nothing but wait. The clocks may say otherwise if many quick calls of one fill a step."""


def states_of(samples: Sequence[Sample], step_started: float, before: CpuReading) -> list[Cause]:
    """Return, for each sample, the state of the thread since the sample before it."""
    states = []
    readings = [before, *(sample.cpu for sample in samples)]
    for index, sample in enumerate(samples):
        states.append(_state(sample, step_started, readings[index]))
    for run in _runs_of_one_place(samples):
        asked = _asked_for_gil(samples, run, readings, step_started)
        # A thread that stays at one place for long is not waiting for the GIL, because threads take turns with it.
        stands_still = len(run) >= PERSISTENT_SAMPLES
        for index in run:
            states[index] = _corrected(states[index], samples[index], asked=asked, stands_still=stands_still)
        may_have_computed = {states[index] for index in run} <= {Cause.WAITING, Cause.COMPUTING}
        if may_have_computed and _computed(samples, run, readings, step_started):
            states[run.start : run.stop] = [Cause.COMPUTING] * len(run)
    return states


def _runs_of_one_place(samples: Sequence[Sample]) -> Iterator[range]:
    """Yield the ranges of consecutive samples at the same place."""
    start = 0
    for index in range(1, len(samples) + 1):
        if index == len(samples) or samples[index].sites != samples[start].sites:
            yield range(start, index)
            start = index


def stay_of(samples: Sequence[Sample]) -> range:
    """Return the indexes of successive samples that show the same call, if they are most of the samples of a step.

    Code that makes the same quick call again and again is seen elsewhere in between, or changes its variables.
    """
    longest = range(0)
    for run in _runs_of_one_place(samples):
        first = samples[run.start]
        if len(run) > len(longest) and all(_is_same_call(first, samples[index]) for index in run):
            longest = run
    if 2 * len(longest) <= len(samples):
        return range(0)
    others = (sample for index, sample in enumerate(samples) if index not in longest)
    return range(0) if any(each.sites == samples[longest.start].sites for each in others) else longest


def _is_same_call(one: Sample, other: Sample) -> bool:
    return one.variables == other.variables and [each.mark for each in one.sites] == [each.mark for each in other.sites]


def _asked_for_gil(
    samples: Sequence[Sample], run: range, readings: Sequence[CpuReading], step_started: float
) -> bool | None:
    """Return whether the thread spent most of a run asking for the GIL; ``None`` if that is unknown.

    A thread that waits for the GIL wakes up once every switch interval, to ask for it again (``take_gil`` in CPython's
    Python/ceval_gil.c). A call that waits for anything else sleeps until that arrives.
    """
    awake, asks = 0, 0.0
    for index in run:
        sample, before = samples[index], readings[index]
        if sample.turns is None:
            continue
        lasted_s = sample.cpu.at - max(before.at, step_started)
        # The first sample may count turns from before the step, so it proves something only if they are few.
        expected = max(0.0, lasted_s - sample.delayed_s) / sys.getswitchinterval()
        if index == 0 and sample.turns >= ASKING * expected:
            continue
        awake, asks = awake + sample.turns, asks + expected
    return awake >= ASKING * asks if asks >= FEWEST_ASKS else None


def _corrected(state: Cause, sample: Sample, *, asked: bool | None, stands_still: bool) -> Cause:
    """Correct the state of a sample by what all samples at the same place show."""
    if _starts_a_thread(sample):
        return Cause.STARVED if state is Cause.WAITING else state
    if state is Cause.STARVED and asked is False:
        return Cause.WAITING
    if state is Cause.WAITING and asked and sample.gil_wait is not GilWait.NONE:
        return Cause.STARVED
    is_certain = state is Cause.STARVED and asked is not None
    return Cause.WAITING if stands_still and state.is_machine and not is_certain else state


def _computed(samples: Sequence[Sample], run: range, readings: Sequence[CpuReading], step_started: float) -> bool:
    """Return whether the samples of a run together show that the thread computed whenever it had a CPU.

    The kernel counts a wait for a CPU only when it is over, so one sample may show too little of it, the next too much.
    """
    before, after = readings[run.start], readings[run.stop]
    if before.thread_s is None or after.thread_s is None:
        return False
    delayed_s = sum(samples[each].delayed_s for each in run)
    wall_s = after.at - max(before.at, step_started)
    own_s = after.thread_s - before.thread_s - max(0.0, step_started - before.at)
    return own_s >= MORE_THAN_WAKING * wall_s and own_s >= SHARED_CPU * (wall_s - delayed_s)


def _state(sample: Sample, step_started: float, before: CpuReading) -> Cause:
    cpu = sample.cpu
    # Time in which other processes had the CPUs says nothing about the thread.
    wall_s = cpu.at - max(before.at, step_started) - sample.delayed_s
    is_gil_free = sample.gil_wait is GilWait.NONE
    if cpu.thread_s is None or before.thread_s is None or wall_s <= 0:
        return Cause.WAITING if is_gil_free else Cause.COMPUTING
    own = (cpu.thread_s - before.thread_s) / wall_s
    others = others_s(before, cpu) / wall_s
    if own >= BUSY:
        return Cause.COMPUTING
    # Some of it may have been used before the step.
    certain = own - max(0.0, step_started - before.at) / wall_s
    if max(0.0, certain) + others < AT_REST and _nothing_kept_s(sample) >= SUSPENDED_S:
        return Cause.SUSPENDED
    if is_gil_free:
        # Other processes may have had the CPUs for part of the time, but a thread that waits uses hardly any.
        return Cause.COMPUTING if own >= SHARED_CPU else Cause.WAITING
    if sample.is_seen:  # whatever other threads did, the loop's had the GIL
        return Cause.COMPUTING if own >= AT_REST else Cause.WAITING
    if others >= BUSY or (own < AT_REST and (others >= AT_REST or sample.gil_wait is GilWait.SHARED)):
        return Cause.STARVED
    # A thread kept the GIL but hardly ran: other processes had the CPUs.
    return Cause.COMPUTING if own >= AT_REST else Cause.WAITING


def _nothing_kept_s(sample: Sample) -> float:
    """Return how late the sample was, less the time for which the loop's thread waited for a CPU."""
    return sample.late_s - sample.delayed_s


def run_delay_s(samples: Sequence[Sample], step_started: float, before: CpuReading) -> float:
    """Return how long the loop's thread waited for a CPU that other processes had, as far as it is known.

    The time after the last sample is left out: from Linux 6.12 on it may include a sleep, because a thread that has
    used more than its share stays queued while it sleeps (``sched_delayed``).
    """
    windows = _windows(samples, step_started, before)
    return sum(min(sample.delayed_s, window.idle_s) for sample, window in zip(samples, windows, strict=True))


def delayed_shares(
    samples: Sequence[Sample], states: Sequence[Cause], step_started: float, before: CpuReading, after: CpuReading
) -> list[float]:
    """Return the share of the time up to each sample in which the machine kept the loop's thread from a CPU.

    The kernel counts a wait for a CPU only when it is over, perhaps in the time of a later sample. So while the thread
    computed or kept the GIL, its waits are added up, and shared out in proportion to the CPU time that is missing.
    ``after`` was read as the step ended.
    """
    windows = _windows(samples, step_started, before)
    if windows and after.at > windows[-1].ended.at:
        windows[-1] = windows[-1]._replace(ended=after)
    waits_s = [min(sample.delayed_s, window.idle_s) for sample, window in zip(samples, windows, strict=True)]
    busy = [
        index
        for index, (sample, state) in enumerate(zip(samples, states, strict=True))
        if state is Cause.COMPUTING or (state is Cause.WAITING and sample.gil_wait is not GilWait.NONE)
    ]
    idle_s = sum(windows[index].idle_s for index in busy)
    # Some of the first wait may precede the step; a later one may belong to the time before its sample.
    counted_s = sum(samples[index].delayed_s if index else waits_s[0] for index in busy)
    known = min(1.0, counted_s / idle_s) if idle_s else 0.0
    for index in busy:
        waits_s[index] = known * windows[index].idle_s
    return [
        1.0 if state.is_machine else min(1.0, wait_s / window.lasted_s) if window.lasted_s > 0 else 0.0
        for state, wait_s, window in zip(states, waits_s, windows, strict=True)
    ]


class _Window(NamedTuple):
    """The time up to a sample, from the sample before it or from the beginning of the step."""

    since: float
    began: CpuReading
    ended: CpuReading

    @property
    def lasted_s(self) -> float:
        return self.ended.at - self.since

    @property
    def idle_s(self) -> float:
        """The time in which the thread had no CPU."""
        return max(0.0, self.lasted_s - (self.ended.thread_s or 0.0) + (self.began.thread_s or 0.0))


def _windows(samples: Sequence[Sample], step_started: float, before: CpuReading) -> list[_Window]:
    readings = [before, *(sample.cpu for sample in samples)]
    return [_Window(max(began.at, step_started), began, ended) for began, ended in pairwise(readings)]


def run_delay_unseen_s(delays: Delays, after: CpuReading, before: CpuReading, lasted_s: float) -> float:
    """Return the loop's wait for a CPU in a step without samples, in which the watchdog had no CPU either."""
    if after.thread_s is None or before.thread_s is None:
        return 0.0
    return max(0.0, min(max(delays.loop_s(), delays.watchdog_s()), lasted_s - (after.thread_s - before.thread_s)))


def is_starved(after: CpuReading, before: CpuReading, lasted_s: float, delays: Delays | None = None) -> bool:
    """Return whether other threads ran and the loop's did not. If the watchdog did not get the GIL, they had it."""
    if after.thread_s is None or before.thread_s is None:
        return False
    own_s, busy_s = after.thread_s - before.thread_s, others_s(before, after)
    if busy_s < AT_REST * lasted_s and busy_s <= own_s:
        return False
    # Some of ``own_s`` may precede the step. If that and the waits for a CPU fill less than half of it, no call of the
    # loop kept the GIL.
    return own_s < AT_REST * lasted_s or (delays is not None and own_s + delays.loop_s() < BUSY * lasted_s)


def is_suspended(after: CpuReading, before: CpuReading, lasted_s: float) -> bool:
    """Return whether the process hardly ran. If the watchdog saw nothing either, the process was suspended."""
    used_s = after.process_s - before.process_s - (after.watchdog_s - before.watchdog_s)
    return used_s < AT_REST * lasted_s


def was_watchdog_busy(after: CpuReading, before: CpuReading, lasted_s: float) -> bool:
    """Return whether the watchdog may have seen nothing because it was busy itself for most of the step."""
    return after.watchdog_s - before.watchdog_s >= BUSY * lasted_s


def computed(after: CpuReading, before: CpuReading) -> bool:
    """Return whether the thread was running for most of the time between two readings."""
    if after.thread_s is None or before.thread_s is None:
        return True
    return after.thread_s - before.thread_s >= BUSY * (after.at - before.at)


def _starts_a_thread(sample: Sample) -> bool:
    """Return whether the sample shows ``Thread.start``, which waits only for the GIL and a CPU."""
    return any(
        site.module == "threading" and site.code.co_qualname == "Thread.start" for site in sample.sites[:STARTING]
    )
