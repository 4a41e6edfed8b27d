"""How busy a loop is, told from readings of its thread's CPU clock."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from loopwatch.detection import monitor
from loopwatch.detection.machine.cpu_clocks import CpuReading
from loopwatch.detection.timing.loop_usage import UsageMeter


def reading(at, thread_s):
    return CpuReading(at, thread_s, 0.0, 0.0)


class Delay:
    """For how long the thread has been kept from a CPU."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def read_s(self):
        return self.seconds


@pytest.fixture
def delay():
    return Delay()


@pytest.fixture
def told():
    return []


@pytest.fixture
def meter(told, delay):
    meter = UsageMeter(reading(100, 1), delay)
    meter.report = lambda usage: told.append((pytest.approx(usage.lasted_s), usage.busy_s))
    return meter


def test_busy_time_is_the_cpu_time_of_a_stretch(meter, told, delay):
    meter.step(100, reading(100.1, 1.05), delay)
    meter.rests(reading(101.4, 1.25), delay)
    assert told == [(1.4, 0.25)]


def test_busy_time_includes_the_wait_for_a_cpu(meter, told, delay):
    delay.seconds = 0.125
    meter.rests(reading(101, 1.25), delay)
    delay.seconds = 9.0  # it cannot have wanted one for longer than the time that passed
    meter.rests(reading(103, 1.5), delay)
    assert told == [(1, 0.375), (2, 2)]


def test_short_rests_are_part_of_the_stretch(meter, told, delay):
    for tenth in range(1, 21):
        meter.step(100 + tenth / 10, reading(100.01 + tenth / 10, 1 + tenth / 32), delay)
        meter.rests(reading(100.02 + tenth / 10, 1 + tenth / 32), delay)
    assert told == [(1.01, 0.3125), (1, 0.3125)]


def test_a_long_rest_is_part_of_none(meter, told, delay):
    meter.rests(reading(100.5, 1.5), delay)
    meter.step(4000, reading(4000.01, 1.51), delay)
    meter.rests(reading(4001, 1.75), delay)
    assert told == [(0.5, 0.5), (1, 0.25)]


def test_a_loop_that_does_not_rest_is_told_of_all_the_same(meter, told, delay):
    meter.step(100.6, reading(100.7, 1.2), delay)
    meter.step(101.2, reading(101.25, 1.5), delay)
    assert told == [(1.25, 0.5)]


def test_all_of_a_stall_counts_even_where_the_call_waited(meter, told, delay):
    meter.stalled(100.5, 102.5, before=reading(100.5, 1.25), after=reading(102.5, 1.25), delay=delay)
    assert told == [(2.5, 2.25)]


def test_a_stall_that_goes_on_counts_once(meter, told, delay):
    meter.stalled(100, 105, before=reading(100, 1), after=reading(105, 1), delay=delay)
    meter.stalled(100, 110, before=reading(100, 1), after=reading(110, 1), delay=delay)
    meter.rests(reading(111, 1.125), delay)
    assert told == [(5, 5), (5, 5), (1, 0.125)]


def test_a_stall_told_late_takes_nothing_away(meter, told, delay):
    meter.rests(reading(101, 2), delay)
    meter.stalled(100, 100.5, before=reading(100, 1), after=reading(101, 2), delay=delay)
    assert told == [(1, 1)]


def test_busy_time_is_never_more_than_the_time_that_passed(meter, told, delay):
    meter.rests(reading(101, 3), delay)
    meter.step(101.5, reading(102, 2), delay)  # the clock of another thread
    assert told == [(1, 1), (1, 0)]


def test_without_such_clocks_nothing_is_claimed(told, delay):
    meter = UsageMeter(reading(100, None), delay)
    meter.report = told.append
    meter.rests(reading(101, None), delay)
    meter.stalled(102, 104, before=reading(102, None), after=reading(104, None), delay=delay)
    assert [usage.busy_s for usage in told] == [None, None]


class StallSubscriber:
    engine = "sampling"
    threshold_s = 0.05
    ongoing_after_s = 60.0
    counts_kept_out = False
    entered = 0.0

    def receive(self, call):
        pass


@pytest.mark.real_time
async def test_a_real_loop_is_busy_for_as_long_as_it_stalls():
    """And for little else; how much it computed besides depends on how busy the machine is."""
    watcher, told = StallSubscriber(), []
    (clock,) = monitor.start_watching(watcher, asyncio.get_running_loop())
    clock.usage.report = told.append
    begin = datetime.now(UTC)
    try:
        await asyncio.sleep(0.05)
        started = time.monotonic()
        time.sleep(0.4)
        stalled_s = time.monotonic() - started
        await asyncio.sleep(0)
        assert await asyncio.to_thread(monitor.settle, 30)
        while sum(usage.busy_s for usage in told) < stalled_s:
            await asyncio.sleep(0.01)
    finally:
        monitor.stop_watching(watcher, 30)
    lasted_s = (datetime.now(UTC) - begin).total_seconds()
    assert stalled_s <= sum(usage.busy_s for usage in told) <= lasted_s
    assert all(begin <= usage.ended_at <= datetime.now(UTC) for usage in told)
