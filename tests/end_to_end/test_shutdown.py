import asyncio

import pytest

from testproject.demo.client import Visitor
from testproject.mistakes import MISTAKES
from tests.end_to_end.conftest import serve_shop
from tests.end_to_end.stored_events import stored_events

pytestmark = [pytest.mark.real_time, pytest.mark.asyncio(loop_scope="session")]

SLEEP = next(mistake for mistake in MISTAKES if mistake.name == "retry-sleep")
VISITS = 3


async def test_everything_recorded_is_written_when_the_server_is_told_to_end(data_dir):
    database = data_dir / "ended.sqlite3"
    async with serve_shop(database) as shop, Visitor(shop.address) as visitor:
        for _ in range(VISITS):
            await visitor.visit(SLEEP.visit)
        await asyncio.to_thread(shop.stop)

    assert "Traceback" not in shop.log
    assert [event.blocking_call for event in stored_events(database)] == ["time.sleep"] * VISITS
