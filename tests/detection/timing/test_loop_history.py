"""What the watchdog remembers of a loop's steps from one look to the next."""

import pytest

from loopwatch.detection.timing.loop_history import REMEMBERED, LoopHistory
from tests.detection.builders import Delayed, reading

EARLIER, LATER = Delayed(loop=1.0), Delayed(loop=2.0)


@pytest.fixture
def history():
    return LoopHistory(reading(1.0), None)


def test_a_loop_that_was_never_looked_at_has_no_step_and_has_never_rested(history):
    assert (history.step, history.is_new, history.before_rest, history.after_step) == (None, False, reading(1.0), None)
    assert history.rests_since > 1e9
    assert (history.delays, history.step_delays) == (None, None)


def test_a_step_is_new_at_the_first_look(history):
    assert history.look_at(5.0)
    assert (history.step, history.is_new) == (5.0, True)


def test_a_step_is_not_new_at_the_second_look(history):
    history.look_at(5.0)
    history.is_new = False
    assert not history.look_at(5.0)
    assert not history.is_new


def test_another_step_is_new_again(history):
    history.look_at(5.0)
    history.is_new = False
    assert history.look_at(6.0)
    assert (history.step, history.is_new) == (6.0, True)


@pytest.mark.parametrize(
    ("step", "delays"),
    [
        pytest.param(5.0, EARLIER, id="as they were when it was first seen"),
        pytest.param(6.0, LATER, id="the latest, if it was not seen yet"),
    ],
)
def test_the_delays_of_a_step_are(step, delays, history):
    history.delays = EARLIER
    history.look_at(5.0)
    history.delays = LATER
    history.look_at(5.0)
    assert history.delays_of(step) is delays


def test_the_load_of_other_threads_counts_from_the_first_reading(history):
    history.others.note(reading(3.0, others=1.0))
    assert history.others.load == 0.5


def test_the_reading_before_a_pause_is_the_latest_from_before_it(history):
    for at in (2.0, 3.0, 4.0):
        history.note(reading(at))
    assert history.reading_before(3.5) == reading(3.0)


def test_a_reading_after_a_step_may_be_the_latest_from_before_a_pause(history):
    history.note(reading(2.0))
    history.after_step = reading(3.0)
    assert history.reading_before(3.5) == reading(3.0)


def test_the_first_reading_is_kept_for_a_pause_from_before_all_others(history):
    for at in range(10, 10 + REMEMBERED + 1):
        history.note(reading(float(at)))
    assert history.reading_before(10.5) == reading(1.0)


def test_the_reading_before_a_rest_is_the_latest(history):
    history.note(reading(2.0))
    history.note(reading(3.0))
    assert history.before_rest == reading(3.0)


LATEST = [
    pytest.param(9.0, reading(8.0), id="the present one"),
    pytest.param(7.5, reading(7.0), id="after the latest look"),
    pytest.param(6.5, reading(6.0), id="after an earlier look"),
    pytest.param(5.5, reading(5.0), id="after the last known step"),
    pytest.param(4.5, reading(4.0), id="before the latest rest"),
    pytest.param(3.5, reading(1.0), id="the first one, if all others are later"),
    pytest.param(0.5, reading(8.0), id="the present one, if all are later"),
]


@pytest.mark.parametrize(("moment", "latest"), LATEST)
def test_the_latest_reading_from_before_a_moment_at_which_a_step_may_have_run_is(moment, latest, history):
    history.note(reading(4.0))
    history.after_step = reading(5.0)
    history.late_looks.extend((reading(6.0), reading(7.0)))
    assert history.latest_before(moment, reading(8.0)) == latest
