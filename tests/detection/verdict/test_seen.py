"""What the watchdog remembers of a loop's steps from one look to the next."""

import pytest

from loopwatch.detection.seen import Seen
from tests.detection.verdict.builders import Delayed, reading

EARLIER, LATER = Delayed(loop=1.0), Delayed(loop=2.0)


@pytest.fixture
def seen():
    return Seen(reading(1.0))


def test_a_loop_that_was_never_looked_at_has_no_step_and_has_never_rested(seen):
    assert (seen.step, seen.is_new, seen.before_rest, seen.after_step) == (None, False, reading(1.0), None)
    assert seen.rests_since > 1e9
    assert (seen.delays, seen.step_delays) == (None, None)


def test_a_step_is_new_at_the_first_look(seen):
    assert seen.look_at(5.0)
    assert (seen.step, seen.is_new) == (5.0, True)


def test_a_step_is_not_new_at_the_second_look(seen):
    seen.look_at(5.0)
    seen.is_new = False
    assert not seen.look_at(5.0)
    assert not seen.is_new


def test_another_step_is_new_again(seen):
    seen.look_at(5.0)
    seen.is_new = False
    assert seen.look_at(6.0)
    assert (seen.step, seen.is_new) == (6.0, True)


@pytest.mark.parametrize(
    ("step", "delays"),
    [
        pytest.param(5.0, EARLIER, id="as they were when it was first seen"),
        pytest.param(6.0, LATER, id="the latest, if it was not seen yet"),
    ],
)
def test_the_delays_of_a_step_are(step, delays, seen):
    seen.delays = EARLIER
    seen.look_at(5.0)
    seen.delays = LATER
    seen.look_at(5.0)
    assert seen.delays_of(step) is delays


def test_the_load_of_other_threads_counts_from_the_first_reading(seen):
    seen.others.note(reading(3.0, others=1.0))
    assert seen.others.load == 0.5
