"""A deadlock on the event loop: the server never answers again, and what it hangs in is on record."""

import asyncio
import contextlib
import sqlite3
from contextlib import closing

import httpx
import pytest

from testproject.demo.ports import LOOPBACK, any_free
from testproject.demo.processes import start, stop
from testproject.demo.server import until_answering
from testproject.demo.shop import environment_for, open_shop
from tests.end_to_end import hanging_site
from tests.end_to_end.stored_events import WRITTEN_WITHIN_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = """
    SELECT finding.blocking_call, finding.function, event.source, event.cause, event.ongoing, event.duration_us,
           finding.events, event.stacks
    FROM loopwatch_blockingevent AS event JOIN loopwatch_finding AS finding ON finding.id = event.finding_id
"""


def recorded(database):
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(EVENTS).fetchall()


async def recorded_for(database, longer_than_us):
    """The events, once there is one and it has lasted for longer than that."""
    deadline = asyncio.get_running_loop().time() + WRITTEN_WITHIN_S
    while asyncio.get_running_loop().time() < deadline:
        events = recorded(database)
        if events and events[0][5] > longer_than_us:
            return events
        await asyncio.sleep(0.1)
    return recorded(database)


async def test_a_server_that_hangs_and_is_killed_leaves_a_finding(data_dir):
    database = data_dir / "hanging.sqlite3"
    await open_shop(database)
    port = any_free()
    arguments = ["-m", "daphne", "-b", LOOPBACK, "-p", str(port), f"{hanging_site.__name__}:application"]
    server = await start("Daphne", arguments, environment_for(database, ""), data_dir / "hanging.log")
    try:
        await until_answering(server, f"http://{LOOPBACK}:{port}/")
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            with contextlib.suppress(httpx.TimeoutException):
                await client.get(f"http://{LOOPBACK}:{port}/transfer/")
        ((*_, first_us, _events, _stack),) = await recorded_for(database, 0)
        await recorded_for(database, first_us)  # updated as it lasts
        server.process.kill()
        await server.process.wait()
    finally:
        await stop(server)

    ((name, function, source, cause, ongoing, duration_us, events, stack),) = recorded(database)
    assert name == "threading.Lock.acquire"
    assert function == f"{hanging_site.__name__}.transfer"
    assert (source, cause) == ("ledger.acquire()", "waiting")
    assert ongoing
    assert duration_us > first_us
    assert events == 1
    assert "transfer" in stack
    assert "bank" in stack
