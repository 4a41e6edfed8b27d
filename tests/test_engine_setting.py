"""``LOOPWATCH["ENGINE"] = "tracing"``: the tracing engine watches a site, or sampling if no tool id is free."""

import asyncio
import sys

import pytest

from loopwatch import site_monitor
from loopwatch.detection.calls import SAMPLING, TRACING

TRACED = {"ENGINE": "tracing", "SINKS": []}


@pytest.fixture
def stopped():
    yield
    site_monitor.stop(60)


def engines():
    return {watcher.engine for watcher in site_monitor._monitor._subscribers.values()}


async def test_a_site_is_watched_by_the_tracing_engine(settings, stopped):
    settings.LOOPWATCH = TRACED
    assert site_monitor.watch_running_loop() is not None
    assert engines() == {TRACING}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="There are no tool ids before Python 3.12")
async def test_a_site_falls_back_to_sampling_without_free_tool_ids_and_logs_that_once(
    settings, stopped, caplog, monkeypatch
):
    monkeypatch.setattr(site_monitor._monitor, "_has_logged_fallback", False)
    taken = [tool for tool in range(6) if sys.monitoring.get_tool(tool) is None]
    for tool in taken:
        sys.monitoring.use_tool_id(tool, "somebody")
    try:
        for _ in range(2):
            settings.LOOPWATCH = dict(TRACED)
            assert site_monitor.watch_running_loop() is not None
            assert engines() == {SAMPLING}
            site_monitor.stop(60)
            await asyncio.sleep(0)
    finally:
        for tool in taken:
            sys.monitoring.free_tool_id(tool)
    (record,) = [record for record in caplog.records if "sampling engine" in record.message]
    assert "somebody" in record.message
