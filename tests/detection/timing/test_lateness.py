"""Which gaps between steps are one pause. A gap is ``(began, due, ended)``, in milliseconds; the threshold is 50 ms."""

import pytest

from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.timing.lateness import Lateness, shortest_gap_s

THRESHOLD_S = 0.05


def pause_after(gaps, known_until_ms=0):
    lateness = Lateness()
    for began, due, ended in gaps:
        lateness.note_gap(began / 1000, ended / 1000)
        lateness.note_due(due / 1000)
    pause = lateness.take_pause(known_until_ms / 1000, THRESHOLD_S)
    return pause and tuple(round(moment * 1000) for moment in pause)


@pytest.mark.parametrize(
    ("gaps", "pause"),
    [
        pytest.param([], None, id="no gap"),
        pytest.param([(100, 110, 161)], (110, 161), id="one that is long"),
        pytest.param([(100, 110, 159)], None, id="one that is short"),
        pytest.param([(100, NEVER, 900)], None, id="a rest"),
        pytest.param([(100, 120, 150), (151, 151, 180)], (120, 180), id="two that are together long"),
        pytest.param([(100, 130, 150), (151, 151, 180)], None, id="two that are together short"),
        pytest.param([(100, 120, 150), (159, 159, 190)], (120, 190), id="two with a quick step between them"),
        pytest.param([(100, 120, 150), (165, 165, 195)], None, id="two with a longer step between them"),
        pytest.param([(100, 120, 150), (151, 175, 205)], None, id="two with a rest between them"),
        pytest.param([(100, 120, 150), (151, NEVER, 210)], None, id="a rest after the first"),
        pytest.param([(100, NEVER, 150), (151, 151, 210)], (151, 210), id="a rest before one that is long"),
        pytest.param([(100, NEVER, 150), (151, 110, 170)], (110, 170), id="a step that says the first was no rest"),
        pytest.param([(99, 100, 120), (121, 121, 140), (141, 141, 165)], None, id="three that are together long"),
        pytest.param([(99, 100, 120), (121, 121, 146), (147, 147, 175)], (121, 175), id="the last two of three"),
    ],
)
def test_gaps_are_a_pause_if_the_loop_was_late_for_the_threshold(gaps, pause):
    assert pause_after(gaps) == pause


@pytest.mark.parametrize(("known_until", "pause"), [(129, (129, 180)), (131, None), (150, None), (200, None)])
def test_lateness_that_is_known_already_does_not_count(known_until, pause):
    assert pause_after([(100, 110, 180)], known_until) == pause


def test_a_pause_is_taken_once():
    lateness = Lateness()
    lateness.note_gap(0.1, 0.2)
    lateness.note_due(0.1)
    assert lateness.take_pause(0, THRESHOLD_S) == (0.1, 0.2)
    lateness.note_due(0.1)
    assert lateness.take_pause(0, THRESHOLD_S) is None


def test_a_pause_at_a_low_threshold_is_longer_than_a_selector_is_late():
    lateness = Lateness()
    lateness.note_gap(0.1, 0.109)
    lateness.note_due(0.1)
    assert lateness.take_pause(0, 0.001) is None


@pytest.mark.parametrize(("threshold_s", "gap_s"), [(0.001, 0.01), (0.05, 0.01), (1, 0.2)])
def test_the_gaps_that_count_depend_on_the_threshold(threshold_s, gap_s):
    assert shortest_gap_s(threshold_s) == pytest.approx(gap_s)
