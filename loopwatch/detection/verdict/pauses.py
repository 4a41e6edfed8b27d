"""Reports a pause between steps: no step is to blame, but perhaps a thread that kept the GIL, or the loop's own thread.

The loop's own thread also works between steps: it collects garbage, runs the handlers of signals, and sorts its timers.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from loopwatch.detection.calls import BlockingCall, Cause
from loopwatch.detection.machine.cpu_clocks import CpuReading, others_s
from loopwatch.detection.timing.lateness import SHORTEST_PAUSE_S
from loopwatch.detection.timing.loop_clock import PauseBetweenSteps
from loopwatch.detection.verdict.blocking_call import unless_it_raises
from loopwatch.detection.verdict.contributions import AUTOMATIC_COLLECTION
from loopwatch.detection.verdict.step_name import UNNAMED, StepName, name_of_step
from loopwatch.detection.verdict.thread_states import BUSY, is_starved

BETWEEN_STEPS = "between steps"
"""The name of a pause if it is not known which step was late, or if the loop's own thread spent it."""
SUSPENDED = 0.8
"""A process that did not run for this share of a pause was suspended."""


def pause_between_steps(
    pause: PauseBetweenSteps,
    started: float,
    *,
    stall_id: str,
    before: CpuReading,
    suspended_s: float,
    collecting_s: float,
    is_held: bool,
    threshold_s: float,
    started_at: datetime,
    engine: str,
) -> BlockingCall:
    """Return the pause from ``started`` on, under the name of the step that was late.

    ``before`` was read before the pause. The loop's own thread collected garbage for ``collecting_s`` of it. It
    ``is_held`` if another thread is known to have kept the GIL.
    """
    lasted_s = pause.until - started
    step = unless_it_raises(partial(name_of_step, pause.handle, None), StepName(UNNAMED))
    name = BETWEEN_STEPS if step.name == UNNAMED else step.name
    call = BlockingCall(
        stall_id=stall_id,
        method_name=name,
        duration_ms=lasted_s * 1000,
        is_c_call=step.is_c,
        filename=step.filename,
        lineno=step.lineno,
        source="",
        function=name,
        stack=(),
        step_ms=lasted_s * 1000,
        task_name="",
        engine=engine,
        started_at=started_at,
        exact=False,
        cause=Cause.SUSPENDED,
        called_name=name,
        leaf_name=name,
        waiting=pause.waiting,
        delayed=tuple(filter(None, (unless_it_raises(each.describe, None) for each in pause.delayed))),
    )
    if not is_held:
        # The machine may have prolonged what would have been a pause without it.
        enough_s = min(max(threshold_s, SHORTEST_PAUSE_S), BUSY * lasted_s)
        if collecting_s >= enough_s:
            collected = replace(_by_the_loop(call, AUTOMATIC_COLLECTION), is_c_call=True, exact=True)
            return replace(collected, cause=Cause.GARBAGE_COLLECTION, duration_ms=collecting_s * 1000)
        if _ran_s(pause, started, before) >= enough_s:
            return replace(_by_the_loop(call, BETWEEN_STEPS), cause=Cause.COMPUTING)
    # A process whose CPUs are shared runs for only part of the time, and so does the thread that keeps the GIL.
    others_ran = others_s(before, pause.cpu) >= BUSY * (pause.cpu.at - before.at)
    starved = suspended_s < SUSPENDED * lasted_s and (is_held or others_ran or is_starved(pause.cpu, before, lasted_s))
    return replace(call, cause=Cause.STARVED) if starved else call


def _by_the_loop(call: BlockingCall, name: str) -> BlockingCall:
    """Blame what the loop's own thread did, not the step that was late."""
    named = replace(call, method_name=name, called_name=name, leaf_name=name, function=BETWEEN_STEPS)
    return replace(named, is_c_call=False, filename="", lineno=0)


def _ran_s(pause: PauseBetweenSteps, started: float, before: CpuReading) -> float:
    """Return for how long the loop's own thread certainly used a CPU during the pause; 0 where that is unknown."""
    after = pause.cpu
    if before.thread_s is None or after.thread_s is None:
        return 0.0
    # What the readings include of steps: a loop that rests uses no CPU.
    of_steps_s = max(0.0, after.at - pause.until)
    if before.at < pause.rests_since:
        of_steps_s += max(0.0, started - before.at)
    return after.thread_s - before.thread_s - of_steps_s
