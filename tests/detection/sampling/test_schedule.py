"""Samples become rarer the longer a step lasts and the more they cost."""

import pytest

from loopwatch.detection.sampling.schedule import first_look_s, overdue_s, pause_s

PAUSES = [
    pytest.param(1.0, 0.25, 0.0, 0.1, id="a tenth of the threshold, while the step is young"),
    pytest.param(1.0, 10.0, 0.0, 0.5, id="a twentieth of the step's age, when it is old"),
    pytest.param(1.0, 0.25, 0.0075, 0.15, id="twenty times what a sample has taken"),
    pytest.param(1.0, 0.25, 1.0, 0.2, id="a fifth of the threshold, however long a sample has taken"),
    pytest.param(0.001, 0.001, 0.0, 0.001, id="a millisecond at least"),
]


@pytest.mark.parametrize(("threshold_s", "age_s", "taken_in_s", "expected_s"), PAUSES)
def test_the_pause_after_a_sample_is(threshold_s, age_s, taken_in_s, expected_s):
    assert pause_s(threshold_s, age_s, taken_in_s) == pytest.approx(expected_s)


def test_a_step_is_looked_at_before_it_is_a_stall_but_after_it_is_overdue():
    assert overdue_s(1.0) < first_look_s(1.0) < 1.0
