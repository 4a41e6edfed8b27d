"""A pause between steps: what it is called, and whether the GIL, the loop's own thread or the machine caused it."""

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.timing.loop_clock import PauseBetweenSteps
from loopwatch.detection.verdict.contributions import AUTOMATIC_COLLECTION
from loopwatch.detection.verdict.pauses import BETWEEN_STEPS, pause_between_steps
from tests.detection import shop
from tests.detection.builders import STARTED_AT, THRESHOLD_S, Step, Watch, reading


def report(
    *,
    handle=None,
    own_s=0.0,
    others_s=0.0,
    suspended_s=0.0,
    collecting_s=0.0,
    is_held=False,
    before_s=0.0,
    read_s=0.0,
    rests_s=0.0,
    threshold_s=THRESHOLD_S,
):
    """The report of a pause of one second, before which the loop rested for ``rests_s``.

    The clocks were read ``before_s`` before it and ``read_s`` after it. The loop's thread ran for ``own_s`` between the
    readings, and others for ``others_s``.
    """
    cpu = reading(6.0 + read_s, own_s, others_s)
    return pause_between_steps(
        PauseBetweenSteps(None, 5.0, 6.0, handle, cpu, (Watch(),), 3, (), 5.0 - rests_s),
        5.0,
        stall_id="a pause",
        before=reading(5.0 - before_s),
        suspended_s=suspended_s,
        collecting_s=collecting_s,
        is_held=is_held,
        threshold_s=threshold_s,
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
    pytest.param({"collecting_s": 0.1}, Cause.GARBAGE_COLLECTION, id="a collection, if that alone took the threshold"),
    pytest.param({"collecting_s": 0.04}, Cause.SUSPENDED, id="suspended, if a collection took less than the threshold"),
    pytest.param(
        {"collecting_s": 0.6, "threshold_s": 0.8}, Cause.GARBAGE_COLLECTION, id="a collection, if it took most of it"
    ),
    pytest.param({"own_s": 0.1}, Cause.COMPUTING, id="computing, if the loop's thread alone took the threshold"),
    pytest.param({"own_s": 0.1, "suspended_s": 0.9}, Cause.COMPUTING, id="computing, if it also was suspended"),
    pytest.param({"own_s": 0.04}, Cause.SUSPENDED, id="suspended, if the loop's thread took less than the threshold"),
    pytest.param(
        {"own_s": 0.005, "threshold_s": 0.001}, Cause.SUSPENDED, id="suspended, if it took what is no pause by itself"
    ),
    pytest.param({"own_s": 0.6, "threshold_s": 0.8}, Cause.COMPUTING, id="computing, if that took most of it"),
    pytest.param(
        {"own_s": 0.6, "before_s": 9.0, "rests_s": 9.0},
        Cause.COMPUTING,
        id="computing, if the loop has rested since the clocks were read",
    ),
    pytest.param(
        {"own_s": 0.6, "before_s": 9.0, "rests_s": 8.0},
        Cause.SUSPENDED,
        id="suspended, if a step of the loop may have used the CPU before",
    ),
    pytest.param({"own_s": 0.5, "read_s": 0.5}, Cause.SUSPENDED, id="suspended, if the late step may have used it"),
    pytest.param({"own_s": 0.4, "is_held": True}, Cause.STARVED, id="starved, if a thread kept the GIL besides"),
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


@pytest.mark.parametrize(
    ("seen", "name"), [({"own_s": 0.9}, BETWEEN_STEPS), ({"collecting_s": 0.9}, AUTOMATIC_COLLECTION)]
)
def test_what_the_loops_own_thread_does_between_steps_is_not_blamed_on_the_step_that_was_late(seen, name):
    found = report(handle=Step(shop.checkout), **seen)
    assert (found.function, found.called_name, found.method_name, found.filename) == (BETWEEN_STEPS, name, name, "")


def test_a_collection_has_its_own_duration_and_is_certain():
    found = report(collecting_s=0.9)
    assert (found.duration_ms, found.step_ms, found.exact) == (900.0, 1000.0, True)
