"""The CPU time of the process is that of the threads that may have the GIL."""

import contextlib
import threading
import time

import pytest

from loopwatch.detection.machine.cpu_clocks import leave_out_this_thread, process_s
from tests.support.waiting import WITHIN_S

COMPUTES_S = 0.2


@pytest.fixture
def used_beside():
    """Has a thread compute; returns what the process has used while the thread lives, and when it has ended."""

    def used_beside(context):
        has_computed, may_end = threading.Event(), threading.Event()

        def compute():
            with context:
                while time.thread_time() < COMPUTES_S:
                    pass
                has_computed.set()
                may_end.wait(WITHIN_S)

        began = process_s()
        thread = threading.Thread(target=compute)
        thread.start()
        assert has_computed.wait(WITHIN_S)
        while_it_lives_s = process_s() - began
        may_end.set()
        thread.join(WITHIN_S)
        return while_it_lives_s, process_s() - began

    return used_beside


def test_what_a_thread_computes_counts(used_beside):
    assert min(used_beside(contextlib.nullcontext())) >= COMPUTES_S


def test_what_a_thread_computes_that_is_left_out_does_not_count(used_beside):
    assert max(used_beside(leave_out_this_thread())) < COMPUTES_S / 2


def test_what_is_computed_later_counts_again(used_beside):
    used_beside(leave_out_this_thread())
    assert min(used_beside(contextlib.nullcontext())) >= COMPUTES_S
