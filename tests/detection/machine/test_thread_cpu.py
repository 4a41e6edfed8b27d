"""CPU clocks of every thread, read from one of them."""

import sys
import threading
import time

import pytest

from loopwatch.detection.machine import thread_cpu
from loopwatch.detection.machine.thread_cpu import ThreadCpu, thread_cpu_s

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux numbers the clocks of threads like this")


def compute(until_s):
    while time.thread_time() < until_s:
        pass


@pytest.fixture
def busy():
    """A thread that has used 20 ms and then waits."""
    computed, ends = threading.Event(), threading.Event()

    def work():
        compute(0.02)
        computed.set()
        ends.wait()

    thread = threading.Thread(target=work)
    thread.start()
    computed.wait()
    yield thread
    ends.set()
    thread.join()


def test_the_clock_of_a_thread_is_the_one_that_the_thread_reads_itself():
    before_s = time.thread_time()
    read_s = thread_cpu_s(threading.get_ident())
    assert before_s <= read_s <= time.thread_time()


def test_a_thread_that_has_ended_has_no_clock():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    assert thread_cpu_s(thread.ident) is None


def test_a_new_thread_has_used_what_it_used_since_it_began(busy):
    assert ThreadCpu().use().by_thread[busy.ident] >= 0.02


def test_what_a_thread_used_before_the_latest_reading_is_left_out(busy):
    cpu = ThreadCpu()
    cpu.read()
    assert cpu.use().by_thread[busy.ident] < 0.02


def test_the_clocks_are_not_read_again_until_their_cost_allows_it(monkeypatch):
    moments = iter((0.0, 0.001, 0.5, 1.5, 1.501))  # the first reading takes a millisecond, so the next may be after 1 s
    monkeypatch.setattr(thread_cpu, "now", lambda: next(moments))
    cpu = ThreadCpu()
    cpu.read()
    cpu.read()
    assert cpu.use().since == 0.0
    cpu.read()
    assert cpu.use().since == 1.5
