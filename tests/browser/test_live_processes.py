"""The live page shows stalls of another process, through a real Redis."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.test_live import lines_of, open_live

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.real_stall]


@pytest.fixture
def gate(tmp_path):
    """While this file is there, the page ``held/`` blocks the loop."""
    return tmp_path / "gate"


@pytest.fixture
def sites(site_of, redis_port, gate):
    return [site_of(SITE_REDIS_PORT=str(redis_port), SITE_GATE=str(gate)) for _ in range(2)]


async def test_a_stall_in_another_process_appears_with_its_process(open_window, superuser_session, sites):
    here, elsewhere = sites
    async with open_window(session_key=superuser_session, address=here.address) as window:
        await open_live(window)
        await asyncio.to_thread(elsewhere.get, "/other/150/")
        await expect(lines_of(window, "other/").first).to_be_visible()
        await expect(window.page.locator("#loopwatch-processes")).to_contain_text(f" {elsewhere.process_id}")
        await asyncio.to_thread(here.get, "/stall/150/")
        await expect(lines_of(window, "GET stall/").first).to_be_visible()
        assert await window.flaws() == []


async def test_an_ongoing_stall_in_another_process_is_shown(open_window, superuser_session, sites, gate):
    here, elsewhere = sites
    async with open_window(session_key=superuser_session, address=here.address) as window:
        await open_live(window)
        gate.touch()
        stalling = asyncio.create_task(asyncio.to_thread(elsewhere.get, "/held/"))
        line = lines_of(window, "held/")
        await expect(line.get_by_text("ongoing")).to_be_visible()
        gate.unlink()
        await stalling
        await expect(line.get_by_text("ongoing")).to_be_hidden()
        await expect(line).to_have_count(1)
