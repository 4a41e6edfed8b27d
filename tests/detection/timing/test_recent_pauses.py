"""The longest pause of the last minute is remembered, and no older one."""

import pytest

from loopwatch.detection.timing.recent_pauses import WINDOW_S, RecentPauses


@pytest.fixture
def pauses():
    return RecentPauses()


def test_a_loop_that_never_paused_has_no_longest_pause(pauses):
    assert pauses.longest_s(5.0) == 0.0


@pytest.mark.parametrize("lengths", [(0.25, 0.5), (0.5, 0.25)])
def test_the_longest_pause_of_a_second_counts(pauses, lengths):
    for lasted_s in lengths:
        pauses.note(100.5, lasted_s)
    assert pauses.longest_s(101.0) == 0.5


def test_the_longest_pause_of_all_seconds_counts(pauses):
    pauses.note(100.0, 0.5)
    pauses.note(130.0, 0.25)
    assert pauses.longest_s(131.0) == 0.5


def test_a_pause_counts_for_a_minute(pauses):
    pauses.note(100.0, 0.5)
    assert pauses.longest_s(100.0 + WINDOW_S - 0.5) == 0.5
    assert pauses.longest_s(100.0 + WINDOW_S) == 0.0


def test_a_pause_replaces_the_one_of_a_minute_before(pauses):
    pauses.note(100.0, 0.5)
    pauses.note(100.0 + WINDOW_S, 0.25)
    assert pauses.longest_s(100.0 + WINDOW_S) == 0.25
