"""Many people look at the live page of one process at once."""

import asyncio

import pytest
from django.db import connection

from tests.browser.site import AdminSite
from tests.support.waiting import until

pytestmark = pytest.mark.servers

PAGES = 200


@pytest.fixture
def gate(tmp_path):
    """While this file is there, the page ``held/`` blocks the loop."""
    return tmp_path / "gate"


@pytest.fixture
def site(transactional_db, tmp_path, gate):
    with AdminSite(tmp_path, connection.settings_dict["NAME"], SITE_GATE=str(gate)) as served:
        served.serve()
        yield served


@pytest.mark.real_stall
async def test_a_stall_is_shown_on_every_one_of_two_hundred_pages_and_other_requests_are_served(site, gate, open_page):
    pages = [open_page() for _ in range(PAGES)]
    gate.touch()
    stalling = asyncio.create_task(asyncio.to_thread(site.get, "/held/"))
    await until(lambda: "in tests.browser.urls.held" in site.log, otherwise=lambda: site.log)
    gate.unlink()
    await stalling
    for page in pages:
        page.read_until_shown("tests.browser.urls.held")
    assert site.get("/stall/0/")
    for page in pages:
        page.close()
    site.stop()
    assert "Traceback" not in site.log, site.log
