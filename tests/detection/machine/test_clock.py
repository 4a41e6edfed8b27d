"""The clocks of detection go on while a test stops or replaces the time."""

import threading
import time
from unittest import mock

import pytest

from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.cpu_clocks import ThreadClocks, leave_out_this_thread, process_s
from loopwatch.detection.machine.thread_cpu import thread_cpu_s


def test_the_clock_is_not_the_function_that_freezegun_replaces():
    assert now is not time.perf_counter


def test_the_clock_has_the_time_of_perf_counter():
    before, at, after = time.perf_counter(), now(), time.perf_counter()
    assert before <= at <= after


@pytest.mark.parametrize("name", ["process_time", "thread_time", "clock_gettime", "pthread_getcpuclockid"])
def test_a_clock_that_a_test_replaces_is_not_asked(name):
    with mock.patch.object(time, name, side_effect=AssertionError, create=True):
        with leave_out_this_thread():
            assert process_s() > 0
        ThreadClocks().cpu_s()
        thread_cpu_s(threading.get_ident())
