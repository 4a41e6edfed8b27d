"""CPU clocks of every thread, read from one of them."""

import os
import sys
import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from loopwatch.detection.machine import thread_cpu
from loopwatch.detection.machine.thread_cpu import NEGLIGIBLE_S, ThreadCpu, native_id_of, thread_cpu_s

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux numbers the clocks of threads like this")


def compute(until_s):
    while time.thread_time() < until_s:
        pass


class Busy:
    """A thread that has used 20 ms and then waits for its end."""

    def __init__(self):
        self._computed, self._ends = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self._computed.wait()
        self.ident = self._thread.ident

    def _work(self):
        compute(0.02)
        self._computed.set()
        self._ends.wait()

    def end(self):
        self._ends.set()
        self._thread.join()


@pytest.fixture
def busy():
    thread = Busy()
    yield thread
    thread.end()


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
    cpu, before_s = ThreadCpu(), thread_cpu_s(busy.ident)
    cpu.read()
    used_s = cpu.use().by_thread[busy.ident]
    assert used_s <= thread_cpu_s(busy.ident) - before_s


def test_the_clocks_are_not_read_again_until_their_cost_allows_it(monkeypatch):
    moments = iter((0.0, 0.001, 0.5, 1.5, 1.501))  # the first reading takes a millisecond, so the next may be after 1 s
    monkeypatch.setattr(thread_cpu, "now", lambda: next(moments))
    cpu = ThreadCpu()
    cpu.read()
    cpu.read()
    assert cpu.use().since == 0.0
    cpu.read()
    assert cpu.use().since == 1.5


def test_the_clocks_are_not_read_again_while_the_process_uses_next_to_nothing(monkeypatch, busy):
    moments = iter((0.0, 0.0, 1.0, 2.0, 2.0))  # a reading looks twice, to know what it costs
    used_s = iter((1.0, 1.0 + NEGLIGIBLE_S / 2, 1.0 + 2 * NEGLIGIBLE_S))
    readings = []
    monkeypatch.setattr(thread_cpu, "now", lambda: next(moments))
    monkeypatch.setattr(thread_cpu, "own_time", SimpleNamespace(process_time=lambda: next(used_s)))
    monkeypatch.setattr(thread_cpu, "_read_all", lambda: readings.append(None) or {})
    cpu = ThreadCpu()
    for since, count in ((0.0, 1), (1.0, 1), (2.0, 2)):
        cpu.read()
        assert (cpu._read_at, len(readings)) == (since, count)


def test_what_a_thread_used_is_not_taken_from_a_later_one_with_the_same_identifier(busy):
    cpu = ThreadCpu()
    cpu.read()
    busy.end()
    with ExitStack() as later:
        while _begin_another(later).ident != busy.ident:
            pass
        assert cpu.use().by_thread[busy.ident] >= 0.02


def _begin_another(later):
    thread = Busy()
    later.callback(thread.end)
    return thread


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_thread_that_forked_has_a_new_number_in_the_child():
    child = os.fork()
    if child == 0:
        os._exit(0 if native_id_of(threading.get_ident()) == threading.get_native_id() else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_class_of_a_thread_is_not_asked_for_its_number():
    class Odd(threading.Thread):
        native_id = property(lambda _: 1 / 0)

    ends = threading.Event()
    odd = Odd(target=ends.wait)
    odd.start()
    assert thread_cpu_s(odd.ident) is not None
    ends.set()
    odd.join()
