"""The statistics of loops reach the recorder, even if the stalls themselves are filtered."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.conf import Configuration
from loopwatch.detection.calls import Cause
from loopwatch.histogram import COLUMNS
from loopwatch.models import LoopTime
from loopwatch.recorder.recorder import Recorder
from loopwatch.site_subscriber import SiteSubscriber
from tests.recorder.calls import blocking_call

BLOCKED_S = 0.15


async def block(scope, receive, send):
    time.sleep(BLOCKED_S)


async def serve():
    await asyncio.create_task(LoopWatch(block)({"type": "http", "method": "GET", "path": "/"}, None, None))
    assert await asyncio.to_thread(site_monitor.flush, 60)


@pytest.mark.real_time
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("excluded", [[], ["test_loop_times"]])
def test_a_stall_makes_its_minute_busy_and_is_a_pause_even_if_its_path_is_excluded(settings, excluded):
    settings.LOOPWATCH = {"THRESHOLD_MS": 50, "SINKS": ["database"], "EXCLUDE_PATHS": excluded}
    asyncio.run(serve())
    assert site_monitor.stop(60)
    rows = LoopTime.objects.filter(minutes=LoopTime.Minutes.MINUTE)
    assert max(row.longest_us for row in rows) >= BLOCKED_S * 1e6
    assert sum(row.busy_us or 0 for row in rows) >= BLOCKED_S * 1e6
    assert bool(sum(row.events for row in rows)) is not bool(excluded)
    steps = sum((Counter(row.steps) for row in LoopTime.objects.filter(minutes=LoopTime.Minutes.HOUR)), Counter())
    assert sum(steps[column] for column in COLUMNS[COLUMNS.index("under_250ms") :]) >= 1


@pytest.fixture
def recorder():
    return Recorder(Configuration(sinks=()))


def test_a_machine_stall_counts_as_a_pause_and_not_as_a_stall(recorder):
    watcher = SiteSubscriber(Configuration(), recorder)
    watcher.receive(blocking_call(started_at=datetime.now(UTC), step_ms=400.0, cause=Cause.SUSPENDED))
    rows = [row for key, row in recorder.loop_times.take().items() if key.minutes == LoopTime.Minutes.HOUR]
    assert max(row.impact.longest_us for row in rows) == sum(row.machine_us for row in rows) == 400_000
    assert sum(row.impact.events + row.impact.blocked_us for row in rows) == 0
