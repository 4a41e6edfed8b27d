"""One request of a served site is traced: a token from the command, the command's own curl line, a real server."""

import asyncio
import re
import shlex
import shutil
import sys

import httpx
import pytest

from testproject.demo.ports import LOOPBACK
from testproject.demo.server import APPLICATION
from testproject.mistakes import MISTAKES
from tests.end_to_end.conftest import DAPHNE, PROMPT_SETTINGS, fresh_shop
from tests.end_to_end.stored_events import events_written
from tests.support.children import ROOT, run

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.real_stall]

QUERY = next(mistake for mistake in MISTAKES if mistake.name == "query")
UVICORN = ("uvicorn", "--host", LOOPBACK, "--port", "{port}", "--loop")
SERVERS = {"daphne": DAPHNE, "uvicorn": (*UVICORN, "asyncio"), "uvicorn-uvloop": (*UVICORN, "uvloop")}


def token_for(url: str, environment: dict[str, str]) -> list[str]:
    """What ``manage.py loopwatch_token`` prints."""
    command = [sys.executable, ROOT / "manage.py", "loopwatch_token", url, "--for", "1h", "--threshold", "20"]
    return run(command, env=environment, check=True).stdout.splitlines()


@pytest.mark.parametrize("server", SERVERS)
async def test_a_request_is_answered_with_what_blocked_it(server, data_dir):
    database = data_dir / f"trace-{server}.sqlite3"
    async with fresh_shop(database, settings=PROMPT_SETTINGS) as shop, httpx.AsyncClient(trust_env=False) as client:
        await asyncio.to_thread(shop.serve, *SERVERS[server], APPLICATION)
        url = shop.address + QUERY.visit.path
        header, _, curl, *_ = token_for(url, shop.environment)
        name, _, token = header.partition(": ")

        plain = await client.get(url, timeout=60)
        forged = await client.get(url, headers={name: token[:-1]}, timeout=60)
        traced = await client.get(url, headers={name: token}, timeout=60)

        assert "loop;" not in plain.headers["server-timing"]
        assert plain.headers.keys() == forged.headers.keys()
        assert re.match(r"app;dur=[\d.]+, loop;", traced.headers["server-timing"])
        assert 'call;desc="django.db.models.QuerySet.count (testproject/orders/' in traced.headers["server-timing"]
        assert traced.headers["cache-control"] == "no-store"
        assert traced.text == plain.text

        has_curl = shutil.which("curl") is not None
        assert not has_curl or 'desc="django.db.models.QuerySet.count' in run(shlex.split(curl)).stdout
        visits = 3 + has_curl
        events = await events_written(database, QUERY.visit.route, visits)
        queries = [event for event in events if event.blocking_call == "sqlite3.Cursor.execute"]
        assert len(queries) == visits
