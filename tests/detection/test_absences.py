"""When the watchdog knows that nobody ran."""

import time

import pytest

from loopwatch.detection.absences import SHORTEST_S, Absences
from loopwatch.detection.clock import now

pytestmark = pytest.mark.real_time

AWAY_S = 0.1


@pytest.fixture
def absences():
    return Absences()


def compute(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_time_in_which_nobody_ran_is_an_absence(absences):
    absences.check()
    since = now()
    time.sleep(AWAY_S)
    absences.wakes(since)
    assert absences.within(since, now()) >= AWAY_S - SHORTEST_S


def test_only_what_falls_into_a_step_counts(absences):
    since = now()
    absences.check()
    time.sleep(AWAY_S)
    absences.check()
    assert absences.within(since + 0.75 * AWAY_S, now() + 60) <= now() - since - 0.75 * AWAY_S
    assert absences.within(now(), now() + 60) == 0


def test_time_in_which_somebody_ran_is_none(absences):
    since = now()
    absences.check()
    compute(AWAY_S)
    absences.check()
    kept_away_s = now() - since - AWAY_S  # by whoever else has the CPUs
    assert absences.within(since, now()) <= kept_away_s


def test_a_rest_is_none(absences):
    absences.check()
    since = now()
    time.sleep(AWAY_S)
    absences.wakes(now())
    assert absences.within(since, now()) < AWAY_S / 2


def test_a_wake_that_came_before_the_rest_makes_none(absences):
    woken_at = now()
    absences.check()
    compute(AWAY_S)
    absences.check()
    absences.wakes(woken_at)
    assert absences.within(woken_at, now()) <= now() - woken_at - AWAY_S
