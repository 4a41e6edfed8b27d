"""The clock of detection goes on while freezegun stops the time of a test."""

import time

from loopwatch.detection.machine.clock import now


def test_the_clock_is_not_the_function_that_freezegun_replaces():
    assert now is not time.perf_counter


def test_the_clock_has_the_time_of_perf_counter():
    before, at, after = time.perf_counter(), now(), time.perf_counter()
    assert before <= at <= after
