"""Steps that stay below the threshold are counted, if they are long enough to cost no more by it."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from loopwatch.detection import monitor
from loopwatch.detection.calls import SAMPLING
from loopwatch.detection.timing.loop_clock import COUNTED_FROM_S, LoopClock

HANDLE = SimpleNamespace(_callback=None, _context=None)


class Watchdog:
    """Notes what the loop's thread hands over."""

    def __init__(self):
        self.stalls = []

    def hand_over(self, item):
        self.stalls.append(round(item.ended - item.step_started, 3))

    def wake(self):
        pass

    def cpu_s(self):
        return 0.0


def subscriber(threshold_s):
    return SimpleNamespace(engine=SAMPLING, threshold_s=threshold_s, ongoing_after_s=10.0, counts_kept_out=False)


@pytest.fixture
def watchdog():
    return Watchdog()


@pytest.fixture
def clock(watchdog):
    loop = asyncio.new_event_loop()
    clock = LoopClock(loop, watchdog)
    clock.set_subscribers((subscriber(0.05),))
    yield clock
    loop.close()


def end_steps(clock, *durations_s):
    """End a step of each duration as the stopwatch does."""
    for number, duration_s in enumerate(durations_s):
        if duration_s >= clock.ends_from_s:
            clock.end_step(HANDLE, float(number), number + duration_s)


def test_a_step_below_the_threshold_is_counted_and_is_no_stall(clock, watchdog):
    counted = []
    clock.count_steps(lambda duration_s: counted.append(round(duration_s, 3)))
    end_steps(clock, 0.001, 0.003, 0.049, 0.06)
    assert counted == [0.003, 0.049, 0.06]
    assert watchdog.stalls == [0.06]


def test_quick_steps_end_with_one_comparison_whoever_subscribes(clock):
    assert clock.ends_from_s == 0.05
    clock.count_steps(lambda _: None)
    assert clock.ends_from_s == COUNTED_FROM_S
    clock.set_subscribers((subscriber(0.1),))
    clock.observe_every_step_if_needed()
    assert clock.ends_from_s == COUNTED_FROM_S
    clock.set_subscribers((subscriber(0.001),))
    assert clock.ends_from_s == 0.001


def test_steps_shorter_than_that_are_not_counted_where_every_step_is_traced(clock):
    counted = []
    clock.count_steps(counted.append)
    clock.tracer = SimpleNamespace(needs_every_step=True, end_step=lambda: None)
    clock.observe_every_step_if_needed()
    end_steps(clock, 0.0, 0.0019)
    assert clock.ends_from_s < 0
    assert not counted


@pytest.mark.parametrize("name", ["asyncio", "uvloop"])
def test_a_step_of_each_loop_is_counted(name):
    new_event_loop = pytest.importorskip(name).new_event_loop
    counted, watcher = [], subscriber(threshold_s=3600.0)

    async def main():
        loop, has_slept = asyncio.get_running_loop(), asyncio.Event()
        (clock,) = monitor.start_watching(watcher, loop)
        clock.count_steps(counted.append)
        loop.call_soon(lambda: (time.sleep(0.01), has_slept.set()))
        await has_slept.wait()
        assert monitor.stop_watching(watcher, 60)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())
    assert max(counted) >= 0.01
