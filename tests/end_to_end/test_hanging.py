"""A deadlock on the event loop: the server never answers again, and what it hangs in is on record."""

import asyncio
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.end_to_end import hanging_site
from tests.end_to_end.conftest import DAPHNE, fresh_shop
from tests.support.waiting import WITHIN_S, wait_until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.real_stall]

EVENTS = """
    SELECT event.blocking_call, finding.function, event.source, event.cause, event.ongoing, event.duration_us,
           finding.events, event.stacks
    FROM loopwatch_blockingevent AS event JOIN loopwatch_finding AS finding ON finding.id = event.finding_id
"""


def recorded(database):
    with closing(sqlite3.connect(database, timeout=WITHIN_S)) as connection:
        return connection.execute(EVENTS).fetchall()


def recorded_for(database, longer_than_us):
    """The events, once there is one and it has lasted for longer than that."""
    return wait_until(lambda: [event for event in recorded(database) if event[5] > longer_than_us])


async def test_a_server_that_hangs_and_is_killed_leaves_a_finding(data_dir):
    database = data_dir / "hanging.sqlite3"
    async with fresh_shop(database) as shop:
        await asyncio.to_thread(shop.serve, *DAPHNE, f"{hanging_site.__name__}:application")
        never_answered = asyncio.create_task(asyncio.to_thread(shop.get, "/transfer/"))
        ((*_, first_us, _events, _stack),) = await asyncio.to_thread(recorded_for, database, 0)
        await asyncio.to_thread(recorded_for, database, first_us)  # updated as it lasts
        shop.stop(signal.SIGKILL)
        with pytest.raises(OSError):
            await never_answered

    ((name, function, source, cause, ongoing, duration_us, events, stack),) = recorded(database)
    assert name == "threading.Lock.acquire"
    assert function == f"{hanging_site.__name__}.transfer"
    assert (source, cause) == ("ledger.acquire()", "waiting")
    assert ongoing
    assert duration_us > first_us
    assert events == 1
    assert "transfer" in stack
    assert "bank" in stack
    assert "close_the_books" in stack  # the other side of the deadlock
