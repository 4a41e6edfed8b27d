"""One request of a served site is traced: a token from the command, the command's own curl line, a real server."""

import asyncio
import re
import shlex
import shutil
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from testproject.demo.ports import LOOPBACK, any_free
from testproject.demo.processes import output_of, start, stop
from testproject.demo.server import APPLICATION, until_answering
from testproject.demo.shop import ROOT, environment_for, open_shop
from testproject.mistakes import MISTAKES
from tests.end_to_end.stored_events import events_written

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERY = next(mistake for mistake in MISTAKES if mistake.name == "query")
SERVERS = {
    "daphne": ["-m", "daphne", "-b", LOOPBACK, "-p"],
    "uvicorn": ["-m", "uvicorn", "--loop", "asyncio", "--host", LOOPBACK, "--port"],
    "uvicorn-uvloop": ["-m", "uvicorn", "--loop", "uvloop", "--host", LOOPBACK, "--port"],
}


@asynccontextmanager
async def served_by(server: str, database: Path):
    """The address of the shop and the environment of its processes."""
    await open_shop(database)
    port, environment = any_free(), environment_for(database)
    site = f"http://{LOOPBACK}:{port}"
    child = await start(server, [*SERVERS[server], str(port), APPLICATION], environment, database.with_suffix(".log"))
    try:
        await until_answering(child, f"{site}/")
        yield site, environment
    finally:
        await stop(child)


async def token_for(url: str, environment: dict[str, str]) -> list[str]:
    """What ``manage.py loopwatch_token`` prints."""
    command = [str(ROOT / "manage.py"), "loopwatch_token", url, "--for", "1h", "--threshold", "20"]
    return (await output_of("loopwatch_token", command, environment)).splitlines()


@pytest.mark.parametrize("server", SERVERS)
async def test_a_request_is_answered_with_what_blocked_it(server, data_dir):
    database = data_dir / f"trace-{server}.sqlite3"
    async with served_by(server, database) as (site, environment), httpx.AsyncClient(trust_env=False) as client:
        url = site + QUERY.visit.path
        header, _, curl, *_ = await token_for(url, environment)
        name, _, token = header.partition(": ")

        plain = await client.get(url, timeout=60)
        forged = await client.get(url, headers={name: token[:-1]}, timeout=60)
        traced = await client.get(url, headers={name: token}, timeout=60)

        assert "loop;" not in plain.headers["server-timing"]
        assert plain.headers.keys() == forged.headers.keys()
        assert re.match(r"app;dur=[\d.]+, loop;", traced.headers["server-timing"])
        assert 'call;desc="sqlite3.Cursor.execute (testproject/orders/' in traced.headers["server-timing"]
        assert traced.headers["cache-control"] == "no-store"
        assert traced.text == plain.text

        has_curl = shutil.which("curl") is not None
        assert not has_curl or 'desc="sqlite3.Cursor.execute' in await printed(curl)
        visits = 3 + has_curl
        events = await events_written(database, QUERY.visit.route, visits)
        queries = [event for event in events if event.blocking_call == "sqlite3.Cursor.execute"]
        assert len(queries) == visits


async def printed(command: str) -> str:
    process = await asyncio.create_subprocess_exec(*shlex.split(command), stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode()
