"""Reports a pause between steps: no call of the loop is to blame, but perhaps a thread that kept the GIL."""

from datetime import datetime
from functools import partial

from loopwatch.detection.calls import BlockingCall, Cause
from loopwatch.detection.machine.cpu_clocks import CpuReading, others_s
from loopwatch.detection.timing.loop_clock import PauseBetweenSteps
from loopwatch.detection.verdict.blocking_call import unless_it_raises
from loopwatch.detection.verdict.step_name import UNNAMED, StepName, name_of_step
from loopwatch.detection.verdict.thread_states import BUSY, is_starved

BETWEEN_STEPS = "between steps"
"""The name of a pause if it is not known which step was late."""
SUSPENDED = 0.8
"""A process that did not run for this share of a pause was suspended."""


def pause_between_steps(
    pause: PauseBetweenSteps,
    started: float,
    *,
    stall_id: str,
    before: CpuReading,
    suspended_s: float,
    is_held: bool,
    started_at: datetime,
    engine: str,
) -> BlockingCall:
    """Return the pause from ``started`` on, under the name of the step that was late.

    ``before`` was read before the pause. It ``is_held`` if a thread is known to have kept the GIL.
    """
    lasted_s = pause.until - started
    # A process whose CPUs are shared runs for only part of the time, and so does the thread that keeps the GIL.
    others_ran = others_s(before, pause.cpu) >= BUSY * (pause.cpu.at - before.at)
    starved = suspended_s < SUSPENDED * lasted_s and (is_held or others_ran or is_starved(pause.cpu, before, lasted_s))
    step = unless_it_raises(partial(name_of_step, pause.handle, None), StepName(UNNAMED))
    name = BETWEEN_STEPS if step.name == UNNAMED else step.name
    return BlockingCall(
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
        cause=Cause.STARVED if starved else Cause.SUSPENDED,
        called_name=name,
        leaf_name=name,
        waiting=pause.waiting,
        delayed=tuple(filter(None, (unless_it_raises(each.describe, None) for each in pause.delayed))),
    )
