"""A pause between steps: what it is called, and whether the GIL or the machine caused it."""

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.timing.loop_clock import PauseBetweenSteps
from loopwatch.detection.verdict.pauses import BETWEEN_STEPS, pause_between_steps
from tests.detection import shop
from tests.detection.builders import STARTED_AT, Step, Watch, reading


def report(*, handle=None, own_s=0.0, others_s=0.0, suspended_s=0.0, is_held=False, before_s=0.0):
    """The report of a pause of one second.

    The clocks were read ``before_s`` before it. The loop's thread ran for ``own_s`` since, and others for ``others_s``.
    """
    pause = PauseBetweenSteps(None, 5.0, 6.0, handle, reading(6.0, own_s, others_s), (Watch(),), 3, ())
    return pause_between_steps(
        pause,
        5.0,
        stall_id="a pause",
        before=reading(5.0 - before_s),
        suspended_s=suspended_s,
        is_held=is_held,
        started_at=STARTED_AT,
        engine="sampling",
    )


CAUSES = [
    pytest.param({"others_s": 0.9}, Cause.STARVED, id="starved, if other threads ran"),
    pytest.param(
        {"own_s": 0.9, "others_s": 1.1, "before_s": 1.0},
        Cause.STARVED,
        id="starved, if other threads ran for most of the time since before the loop's own last step",
    ),
    pytest.param(
        {"own_s": 0.9, "others_s": 0.1, "before_s": 1.0},
        Cause.SUSPENDED,
        id="suspended, if the loop's thread ran before, and others hardly did",
    ),
    pytest.param({"is_held": True}, Cause.STARVED, id="starved, if a thread is known to have kept the GIL"),
    pytest.param({"is_held": True, "suspended_s": 0.7}, Cause.STARVED, id="starved, if that thread had a CPU at times"),
    pytest.param({"is_held": True, "suspended_s": 0.9}, Cause.SUSPENDED, id="suspended, if hardly any thread ran"),
    pytest.param({}, Cause.SUSPENDED, id="suspended, if no thread ran"),
]


@pytest.mark.parametrize(("seen", "cause"), CAUSES)
def test_a_pause_is(seen, cause):
    assert report(**seen).cause is cause


def test_a_pause_has_the_figures_of_a_stall():
    found = report()
    assert (found.step_ms, found.duration_ms, found.waiting, found.exact) == (1000.0, 1000.0, 3, False)


def test_a_pause_is_called_after_the_step_that_was_late():
    assert report(handle=Step(shop.checkout)).function.endswith("shop.checkout")


def test_a_pause_of_which_no_step_is_known_lies_between_steps():
    assert report().function == BETWEEN_STEPS
