"""The process was suspended if the watchdog was due and no thread used any CPU meanwhile."""

import pytest

from loopwatch.detection.machine.suspensions import REMEMBERED, Suspensions

FOREVER = (0.0, 1000.0)


@pytest.fixture
def suspensions():
    """The suspensions seen by a watchdog awake since 10 s. The process had used 3 s of CPU by then."""
    return Suspensions(10.0, 3.0)


CHECKS = [
    pytest.param(10.5, 3.0, 0.5, id="in which no thread ran is a suspension"),
    pytest.param(10.5, 3.125, 0.375, id="in which threads ran for a while is one for the rest of it"),
    pytest.param(10.5, 3.5, 0.0, id="in which a thread ran is none"),
    pytest.param(10.5, 4.0, 0.0, id="in which several threads ran is none"),
    pytest.param(10.00390625, 3.0, 0.00390625, id="of a few milliseconds is one"),
    pytest.param(10.001953125, 3.0, 0.0, id="that the machine's own scheduling may add is none"),
]


@pytest.mark.parametrize(("at", "process_s", "suspended_s"), CHECKS)
def test_time_between_two_checks(at, process_s, suspended_s, suspensions):
    suspensions.check(at, process_s)
    assert suspensions.within(*FOREVER) == suspended_s


def test_each_check_begins_where_the_one_before_ended(suspensions):
    suspensions.check(10.5, 3.5)
    suspensions.check(11.0, 3.5)
    suspensions.check(11.5, 3.75)
    assert suspensions.within(*FOREVER) == 0.75


STEPS = [
    pytest.param((9.0, 12.0), 1.0, id="around it: all of it"),
    pytest.param((10.0, 11.0), 1.0, id="of the same time: all of it"),
    pytest.param((9.0, 10.25), 0.25, id="that ended in it: until then"),
    pytest.param((10.75, 12.0), 0.25, id="that began in it: from then on"),
    pytest.param((10.25, 10.75), 0.5, id="inside it: as long as the step"),
    pytest.param((8.0, 9.0), 0.0, id="before it: nothing"),
    pytest.param((12.0, 13.0), 0.0, id="after it: nothing"),
]


@pytest.mark.parametrize(("step", "suspended_s"), STEPS)
def test_a_step_was_suspended_for_as_long_as_a_suspension(step, suspended_s, suspensions):
    suspensions.check(11.0, 3.0)
    assert suspensions.within(*step) == suspended_s


def test_a_process_is_suspended_no_longer_than_no_thread_ran(suspensions):
    suspensions.check(11.0, 3.75)
    assert suspensions.within(10.0, 10.5) == 0.25


RESTS = [
    pytest.param(10.75, 0.25, id="from when it was to wake, if it was late"),
    pytest.param(11.0, 0.0, id="not at all, if it was on time"),
    pytest.param(9.0, 1.0, id="from when it began, if it was woken before that"),
]


@pytest.mark.parametrize(("due_at", "suspended_s"), RESTS)
def test_a_process_is_suspended_in_a_rest(due_at, suspended_s, suspensions):
    suspensions.wakes(due_at, 11.0, 3.0)
    assert suspensions.within(*FOREVER) == suspended_s


def test_a_rest_that_is_followed_by_another_is_no_suspension(suspensions):
    suspensions.rested(10.5)
    suspensions.rested(10.75)
    suspensions.check(11.0, 3.0)
    assert suspensions.within(*FOREVER) == 0.25


def test_only_the_latest_suspensions_are_remembered(suspensions):
    for number in range(1, REMEMBERED + 3):
        suspensions.check(10.0 + number, 3.0)
    assert suspensions.within(*FOREVER) == REMEMBERED
    assert suspensions.within(10.0, 12.0) == 0.0


class Waits:
    """How long the watchdog's thread has waited for a CPU."""

    def __init__(self, *waits_s):
        self._waits_s = [*waits_s]

    def read_s(self):
        return self._waits_s.pop(0)


@pytest.mark.parametrize(("waited_s", "unexplained_s"), [(0.0, 1.0), (0.75, 0.25), (1.5, 0.0), (None, 1.0)])
def test_the_watchdogs_own_wait_for_a_cpu_explains_a_part(waited_s, unexplained_s, suspensions):
    suspensions.run_delay = Waits(waited_s)
    suspensions.check(11.0, 3.0)
    assert suspensions.within(*FOREVER) == 1.0
    assert suspensions.unexplained_within(*FOREVER) == unexplained_s


def test_a_wait_before_the_last_check_explains_nothing(suspensions):
    suspensions.run_delay = Waits(5.0, 5.25)
    suspensions.check(10.5, 3.5)
    suspensions.check(11.5, 3.5)
    assert suspensions.unexplained_within(*FOREVER) == 0.75
