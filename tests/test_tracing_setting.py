"""``LOOPWATCH["ENGINE"] = "tracing"``: a site is watched by it, or by the other engine where it finds no room."""

import asyncio
import sys

import pytest

from loopwatch.detection.report import SAMPLING, TRACING
from loopwatch.monitoring import monitoring

TRACED = {"ENGINE": "tracing", "SINKS": []}


@pytest.fixture
def stopped():
    yield
    monitoring.stop()


def engines():
    return {watcher.engine for watcher in monitoring._watchers.values()}


async def test_a_site_is_watched_by_the_tracing_engine(settings, stopped):
    settings.LOOPWATCH = TRACED
    assert monitoring.in_flight() is not None
    assert engines() == {TRACING}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="There are no tool ids before Python 3.12")
async def test_where_there_is_no_room_it_falls_back_and_says_so_once(settings, stopped, caplog, monkeypatch):
    monkeypatch.setattr(monitoring, "_has_fallen_back", False)
    taken = [tool for tool in range(6) if sys.monitoring.get_tool(tool) is None]
    for tool in taken:
        sys.monitoring.use_tool_id(tool, "somebody")
    try:
        for _ in range(2):
            settings.LOOPWATCH = dict(TRACED)
            assert monitoring.in_flight() is not None
            assert engines() == {SAMPLING}
            monitoring.stop()
            await asyncio.sleep(0)
    finally:
        for tool in taken:
            sys.monitoring.free_tool_id(tool)
    (record,) = [record for record in caplog.records if "sampling engine" in record.message]
    assert "somebody" in record.message
