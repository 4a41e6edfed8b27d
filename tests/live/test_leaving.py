"""Browsers that disconnect while messages are sent, under every server."""

import asyncio
import sys

import pytest
from django.db import connection

from loopwatch.live.connection import Connection
from testproject.demo.ports import LOOPBACK
from tests.browser.site import APPLICATION, DAPHNE, AdminSite
from tests.support.waiting import until

pytestmark = pytest.mark.servers

UVICORN = ("uvicorn", APPLICATION, "--host", LOOPBACK, "--port", "{port}", "--log-level", "warning", "--ws")
GRANIAN = ("granian", APPLICATION, "--interface", "asgi", "--host", LOOPBACK, "--port", "{port}")

SERVERS = {
    "daphne": DAPHNE,
    "uvicorn with websockets": (*UVICORN, "websockets"),
    "uvicorn with websockets-sansio": (*UVICORN, "websockets-sansio"),
    "uvicorn with wsproto": (*UVICORN, "wsproto"),
    "hypercorn": ("hypercorn", APPLICATION, "--bind", f"{LOOPBACK}:{{port}}"),
    "granian on asyncio": (*GRANIAN, "--loop", "asyncio"),
    "granian on uvloop": (*GRANIAN, "--loop", "uvloop"),
}


@pytest.fixture
def gate(tmp_path):
    """While this file is there, the page ``held/`` blocks the loop."""
    return tmp_path / "gate"


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def site(request, transactional_db, tmp_path, gate):
    with AdminSite(tmp_path, connection.settings_dict["NAME"], SITE_GATE=str(gate)) as served:
        served.serve(*request.param)
        yield served


@pytest.mark.real_stall
@pytest.mark.skipif(sys.platform == "win32", reason="these servers are stopped by signals")
async def test_browsers_that_leave_while_sent_to_leave_nothing_in_the_log_and_other_pages_open(site, gate, open_page):
    staying, *leaving = [open_page() for _ in range(9)]
    gate.touch()
    stalling = asyncio.create_task(asyncio.to_thread(site.get, "/held/"))
    # An ongoing stall is sent to pages, so each of them has a message waiting as soon as the loop runs again.
    await until(lambda: "in tests.browser.urls.held" in site.log, otherwise=lambda: site.log)
    for page in leaving[::2]:
        page.say_goodbye()
    for page in leaving[1::2]:
        page.reset()
    gate.unlink()
    await stalling
    staying.read_until_shown("tests.browser.urls.held")
    staying.close()
    site.stop()
    assert "Traceback" not in site.log, site.log


async def test_any_error_of_a_server_ends_only_the_page_it_was_raised_for():
    sent = []

    async def send(message):
        sent.append(message["type"])
        raise ValueError("no such connection")

    page = Connection(send)
    await page.send({"type": "websocket.send", "text": "{}"})
    assert page.is_lost
    await page.send({"type": "websocket.send", "text": "{}"})
    assert sent == ["websocket.send", "websocket.close"]
