"""``loopwatch.stats()``: what loopwatch itself did in this process."""

import asyncio
import threading
import time
from datetime import UTC, datetime

import pytest

import loopwatch
from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch

pytestmark = pytest.mark.real_time


async def block(scope, receive, send):
    time.sleep(0.06)


@pytest.fixture
def site(settings):
    """The settings of a site that stores nothing; it is stopped after the test."""
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": [], "FLUSH_INTERVAL_S": 0.05}
    yield settings
    assert site_monitor.stop(60)


async def serve(times=1):
    for _ in range(times):
        await asyncio.create_task(LoopWatch(block)({"type": "http", "method": "GET", "path": "/"}, None, None))
    assert await asyncio.to_thread(site_monitor.flush)


def test_stats_are_zero_before_the_first_request():
    assert loopwatch.stats() == loopwatch.recorder.health.Stats()


async def test_the_stalls_of_the_process_are_counted(site):
    begin = datetime.now(UTC)
    await serve(3)
    stats = loopwatch.stats()
    assert begin <= stats.since <= datetime.now(UTC)
    assert stats.seen >= 3  # a busy machine may make more steps late
    assert (stats.loops, stats.dropped, stats.errors) == (1, 0, {})
    assert stats.watchdog_cpu_s > 0
    assert stats.writer_cpu_s == 0  # nothing is to be written


@pytest.mark.django_db(transaction=True)
async def test_stored_stalls_and_the_cost_of_storing_them_are_counted(site):
    site.LOOPWATCH |= {"SINKS": ["database"]}
    await serve(2)
    stats = loopwatch.stats()
    assert stats.seen == stats.stored >= 2
    assert stats.pending == 0
    assert stats.writer_cpu_s > 0


async def test_errors_are_counted_by_sink(site):
    site.LOOPWATCH = site.LOOPWATCH | {"ON_BLOCKING_CALL": lambda call: 1 / 0}
    await serve(2)
    stats = loopwatch.stats()
    assert stats.errors == {"callback": stats.seen}
    assert stats.seen >= 2
    assert stats.last_error.startswith("callback: ZeroDivisionError at tests/test_stats.py:")


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_the_setting_decides_whether_the_lookout_is_tried(site, is_wanted):
    site.LOOPWATCH |= {"LOOKOUT": is_wanted}
    await serve()
    assert (loopwatch.stats().lookout == "switched off") is not is_wanted


async def test_stats_do_not_wait_for_a_stop_in_progress(site):
    entered, release, stopped = threading.Event(), threading.Event(), []

    def hang(call):
        entered.set()
        release.wait(60)

    site.LOOPWATCH = site.LOOPWATCH | {"ON_BLOCKING_CALL": hang}
    await asyncio.create_task(LoopWatch(block)({"type": "http", "method": "GET", "path": "/"}, None, None))
    assert await asyncio.to_thread(entered.wait, 60)
    stopping = threading.Thread(target=lambda: stopped.append(site_monitor.stop(60)))
    stopping.start()
    try:
        while site_monitor._monitor._lock.acquire(blocking=False):
            site_monitor._monitor._lock.release()
            await asyncio.sleep(0.001)
        loopwatch.stats()
        assert stopping.is_alive()
    finally:
        release.set()
        stopping.join(60)
    assert stopped == [True]
