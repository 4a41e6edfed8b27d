"""Decides why a step could not go on: what its call did, or what the machine did."""

from collections import defaultdict
from collections.abc import Sequence

from loopwatch.detection.calls import Cause
from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.sampling.gc_pauses import Collecting
from loopwatch.detection.sampling.observation import Observation
from loopwatch.detection.timing.loop_clock import Stall
from loopwatch.detection.verdict.attribution import GC_COLLECT, Path, is_import
from loopwatch.detection.verdict.culprit import Culprit
from loopwatch.detection.verdict.thread_states import (
    BUSY,
    ONLY_WAITS,
    computed,
    is_starved,
    is_suspended,
    run_delay_s,
    run_delay_unseen_s,
    was_watchdog_busy,
)


def cause_unseen(stall: Stall, observation: Observation, started: float, collecting: Collecting) -> Cause:
    """Return the cause of a step of which no function was seen, by the CPU clocks alone."""
    before, delays, lasted_s = observation.before, observation.delays, stall.ended - started
    if lasted_s - collecting.others_s < stall.threshold_s and not computed(stall.cpu, before):
        return Cause.STARVED
    if was_watchdog_busy(stall.cpu, before, lasted_s):
        return Cause.COMPUTING if computed(stall.cpu, before) else Cause.WAITING
    if is_suspended(stall.cpu, before, lasted_s):
        return Cause.SUSPENDED
    if is_gil_enabled() and is_starved(stall.cpu, before, lasted_s, delays):
        return Cause.STARVED
    delayed_s = 0.0 if delays is None else run_delay_unseen_s(delays, stall.cpu, before, lasted_s)
    return Cause.COMPUTING if lasted_s - delayed_s >= stall.threshold_s else Cause.SUSPENDED


def cause_of(culprit: Culprit) -> Cause:
    """Return the cause of a step that a call blocked."""
    if is_import(culprit.node):
        return Cause.IMPORTING
    if culprit.node.name == GC_COLLECT:
        return Cause.GARBAGE_COLLECTION
    return Cause.WAITING if culprit.node.name in ONLY_WAITS else waiting_or_computing(culprit.paths)


def waiting_or_computing(paths: Sequence[Path]) -> Cause:
    """Return what the thread did for most of the time."""
    waiting_s = sum(path.weight_s for path in paths if path.state is Cause.WAITING)
    return Cause.WAITING if waiting_s > sum(path.weight_s for path in paths) / 2 else Cause.COMPUTING


def machine_cause(paths: Sequence[Path], threshold_s: float) -> Cause | None:
    """Return the machine's cause if it took most of the time, or if the rest stays below the threshold."""
    seconds: dict[Cause, float] = defaultdict(float)
    for path in paths:
        seconds[path.state] += path.weight_s
    lasted_s = sum(seconds.values())
    worst = max((cause for cause in seconds if cause.is_machine), key=lambda cause: seconds[cause], default=None)
    if worst is None:
        return None
    own_s = sum(spent_s for cause, spent_s in seconds.items() if not cause.is_machine)
    return worst if seconds[worst] > lasted_s / 2 or own_s < threshold_s else None


def is_its_own(stall: Stall, observation: Observation, started: float) -> bool:
    """Return whether the step would have reached the threshold without the machine's delays.

    If the watchdog had no CPU, that says nothing of the loop's thread, as long as the waits of that thread are known.
    """
    run_delay = run_delay_s(observation.samples, observation.step_started, observation.before)
    suspended_s = observation.suspended_s
    if observation.unseen_turns is not None:
        its_own_s = run_delay + observation.unseen_turns.delayed_s
        suspended_s = min(suspended_s, max(observation.unexplained_s, its_own_s))
    return stall.ended - started - max(run_delay, suspended_s) >= stall.threshold_s


def was_throttled(cause: Cause, stall: Stall, observation: Observation, started: float) -> bool:
    """Return whether a CPU limit is why the loop's thread did not run, though the process was suspended or starved."""
    throttled, lasted_s = observation.throttled, stall.ended - started
    off_cpu_s = max(_run_delay_s(stall, observation, started), observation.suspended_s)
    if not throttled.periods or throttled.cpu_s < BUSY * (off_cpu_s or lasted_s):
        return False
    # A starved thread waits for the GIL; a throttled one for a CPU, and so does the whole process.
    return cause is Cause.SUSPENDED or off_cpu_s > BUSY * lasted_s


def _run_delay_s(stall: Stall, observation: Observation, started: float) -> float:
    before = observation.before
    if observation.samples or observation.delays is None:
        return run_delay_s(observation.samples, observation.step_started, before)
    return run_delay_unseen_s(observation.delays, stall.cpu, before, stall.ended - started)
