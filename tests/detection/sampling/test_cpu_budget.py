"""The watchdog takes a share of a core: what it cannot look at for that, it counts, times and owns up to."""

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
    """The time of day, and what the thread has used of it."""

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


def test_no_more_than_that_is_saved_up():
    clocks = Clocks()
    assert not clocks.spend(3600.0, 0.0)
    assert clocks.spend(0.0, 1.01 * SAVED_AT_MOST_S)


def test_its_share_of_a_core_is_never_used_up():
    clocks = Clocks()
    assert not any(clocks.spend(0.01, 0.99 * SHARE * 0.01) for _ in range(10_000))


def test_more_than_its_share_is_used_up_in_the_end():
    clocks = Clocks()
    assert any(clocks.spend(0.01, 1.01 * SHARE * 0.01) for _ in range(100_000))


def test_however_much_was_used_it_looks_again_soon():
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
    """A watchdog that has used up its share for good."""
    monkeypatch.setattr(monitor, "_monitor", Monitor())
    monkeypatch.setattr(cpu_budget, "SHARE", 0.0)
    monkeypatch.setattr(cpu_budget, "SAVED_AT_MOST_S", 0.0)


def test_stalls_that_are_not_looked_at_are_counted_and_timed_and_nobody_else_is_blamed(spent):
    with watch(threshold_ms=4) as watcher:
        block(20, 0.005)
        assert monitor.settle(30)
        assert monitor.watchdog_figures().unexamined == 20
    assert watcher.disturbances == []
    assert [call.step_ms >= 5 for call in watcher.calls] == [True] * 20
    assert {call.exact for call in watcher.calls} == {False}


def test_they_have_the_name_of_what_usually_blocks_in_their_function(monkeypatch):
    monkeypatch.setattr(monitor, "_monitor", Monitor())
    with watch(threshold_ms=20) as watcher:
        block(3, 0.05)
        assert monitor.settle(30)
        monkeypatch.setattr(cpu_budget, "SAVED_AT_MOST_S", -1.0)
        monkeypatch.setattr(cpu_budget, "OWED_AT_MOST_S", NEVER)
        block(10, 0.03)
        assert monitor.settle(30)
        assert monitor.watchdog_figures().unexamined >= 10
    assert {(call.method_name, call.function.rpartition(".")[2]) for call in watcher.calls} == {("time.sleep", "main")}


def test_other_loops_are_counted_as_exactly(spent):
    with watch(threshold_ms=4, every_thread=True) as watcher:
        threads = [threading.Thread(target=block, args=(20, 0.005)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(watcher.calls) + len(watcher.disturbances) >= 80
