"""The watchdog takes a share of a core at most. Stalls that it cannot examine within it are counted and timed."""

import asyncio
import threading
import time

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.monitor import Monitor
from loopwatch.detection.sampling import cpu_budget
from loopwatch.detection.sampling.cpu_budget import OWED_AT_MOST_S, SAVED_AT_MOST_S, SHARE, CpuBudget


class Clocks:
    """A wall clock, and the CPU time that the thread has used."""

    def __init__(self):
        self.at = self.used_s = 0.0
        self.budget = CpuBudget(lambda: self.used_s, lambda: self.at)

    def spend(self, wall_s, used_s):
        self.at, self.used_s = self.at + wall_s, self.used_s + used_s
        return self.budget.is_spent()


def test_what_was_saved_up_may_be_used_at_once():
    clocks = Clocks()
    assert not clocks.spend(0.1, SAVED_AT_MOST_S)
    assert clocks.spend(0.1, 0.1)


def test_a_long_rest_saves_up_no_more_than_the_limit():
    clocks = Clocks()
    assert not clocks.spend(3600.0, 0.0)
    assert clocks.spend(0.0, 1.01 * SAVED_AT_MOST_S)


def test_a_thread_that_takes_less_than_its_share_never_uses_it_up():
    clocks = Clocks()
    assert not any(clocks.spend(0.01, 0.99 * SHARE * 0.01) for _ in range(10_000))


def test_a_thread_that_takes_more_than_its_share_uses_it_up():
    clocks = Clocks()
    assert any(clocks.spend(0.01, 1.01 * SHARE * 0.01) for _ in range(100_000))


def test_a_great_debt_is_forgiven():
    clocks = Clocks()
    assert clocks.spend(1.0, 100.0)
    assert not clocks.spend(1.01 * OWED_AT_MOST_S / SHARE, 0.0)


def block(times, duration_s):
    async def main():
        for _ in range(times):
            time.sleep(duration_s)
            await asyncio.sleep(0)

    asyncio.run(main())


@pytest.fixture
def spent(monkeypatch):
    """A watchdog that has used up its share permanently."""
    Monitor.__init__(monitor._monitor)
    monkeypatch.setattr(cpu_budget, "SHARE", 0.0)
    monkeypatch.setattr(cpu_budget, "SAVED_AT_MOST_S", 0.0)


@pytest.mark.real_stall
def test_stalls_that_are_not_examined_are_counted_and_timed(spent):
    with watch(threshold_ms=4) as watcher:
        block(20, 0.005)
        assert monitor.settle(30)
        assert monitor.watchdog_figures().unexamined == 20
    assert watcher.disturbances == []
    assert [call.step_ms >= 5 for call in watcher.calls] == [True] * 20
    assert {call.exact for call in watcher.calls} == {False}


@pytest.mark.real_time
def test_a_stall_that_is_not_examined_gets_the_name_that_usually_blocks_in_its_function(monkeypatch):
    Monitor.__init__(monitor._monitor)
    with watch(threshold_ms=20) as watcher:
        block(3, 0.05)
        assert monitor.settle(30)
        monkeypatch.setattr(cpu_budget, "SAVED_AT_MOST_S", -1.0)
        monkeypatch.setattr(cpu_budget, "OWED_AT_MOST_S", NEVER)
        block(10, 0.03)
        assert monitor.settle(30)
        assert monitor.watchdog_figures().unexamined >= 10
    assert {(call.method_name, call.function.rpartition(".")[2]) for call in watcher.calls} == {("time.sleep", "main")}


def test_stalls_of_several_loops_are_counted_exactly(spent):
    with watch(threshold_ms=4, every_thread=True) as watcher:
        threads = [threading.Thread(target=block, args=(20, 0.005)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(watcher.calls) + len(watcher.disturbances) >= 80
