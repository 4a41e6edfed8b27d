"""The live page: stalls of a real Daphne in a real browser, as they happen."""

import asyncio
import re
import time
from dataclasses import asdict, replace

import pytest
import pytest_asyncio
from django.urls import reverse
from playwright.async_api import expect

from loopwatch.models import Finding
from tests.browser.window import LOOKS
from tests.live.lines import line as line_of_batch
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.real_stall]

LIVE = reverse("admin:loopwatch_live_changelist")
LINES = "#loopwatch-lines tr:not([hidden])"
every_look = pytest.mark.parametrize("window", LOOKS, indirect=True, ids=str)


@pytest.fixture
def stall(site):
    """Return a function that blocks the site's loop a number of times on one of two routes."""

    async def happen(milliseconds=150, times=1, path="stall"):
        for _ in range(times):
            await asyncio.to_thread(site.get, f"/{path}/{milliseconds}/")

    return happen


async def stall_until_shown(stall, line, count=1, path="stall"):
    """Block until ``count`` lines are shown: beside busy processes a stall may be the machine's, or stay unnamed."""

    async def are_there():
        await stall(path=path)
        return await line.count() >= count

    await until(are_there)


def lines_of(window, text):
    return window.page.locator(LINES).filter(has_text=text)


async def open_live(window, query=""):
    await window.open(LIVE + query)
    await expect(window.page.locator("#loopwatch-state")).to_contain_text("Connected")


@every_look
async def test_a_stall_appears_as_it_happens(window, stall):
    await open_live(window)
    line = lines_of(window, "time.sleep").filter(has_text="tests.browser.urls.stall").first

    await stall_until_shown(stall, line)
    await expect(line).to_contain_text("GET stall/<int:milliseconds>/")
    await expect(line.get_by_text("ongoing")).to_be_hidden()
    await expect(window.page.locator("#loopwatch-processes")).to_contain_text("ms")
    bar = await window.page.locator(".loopwatch-live-bar").evaluate("bar => getComputedStyle(bar).display")
    assert bar == "flex"
    assert await window.flaws() == []


async def test_a_line_leads_to_its_finding_and_back(window, stall):
    await open_live(window)
    await stall()
    await until(stalls_stored)
    await lines_of(window, "tests.browser.urls.stall").get_by_role("link").first.click()
    await expect(window.page.locator("#content")).to_contain_text("called in tests.browser.urls.stall")
    await window.page.get_by_role("link", name="This finding as it happens").click()
    await expect(window.page.locator("#loopwatch-state")).to_contain_text("Connected")
    await stall(path="other")
    await stall()
    await expect(lines_of(window, "GET stall/").first).to_be_visible()
    await expect(lines_of(window, "other/")).to_have_count(0)


async def test_stalls_during_a_pause_are_shown_after_it(window, stall):
    await open_live(window)
    await window.page.get_by_role("button", name="Pause").click()
    await stall(path="other")
    resume = window.page.get_by_role("button", name="Resume (")
    await expect(resume).to_be_visible()
    await expect(lines_of(window, "other/")).to_have_count(0)
    await expect(window.page.locator("#loopwatch-state")).to_have_text(re.compile(r"Paused at \d\d:\d\d:\d\d\..*"))
    await resume.click()
    await expect(lines_of(window, "other/").first).to_be_visible()
    await expect(window.page.locator("#loopwatch-state")).to_contain_text("Connected")


@pytest.mark.parametrize(
    ("label", "wanted"), [("Route contains", "OTHER/<int"), ("Finding contains", "urls.other_stall")]
)
async def test_lines_of_the_live_page_can_be_filtered(window, stall, label, wanted):
    """A filter applies to lines that are there and to lines that arrive later."""
    await open_live(window)
    await stall_until_shown(stall, lines_of(window, "GET stall/"))
    await stall_until_shown(stall, lines_of(window, "other/"), path="other")
    await window.page.get_by_label(label).fill(wanted)
    await expect(lines_of(window, "GET stall/")).to_have_count(0)
    known = await lines_of(window, "other/").count()
    await stall(times=3)
    await stall_until_shown(stall, lines_of(window, "other/"), known + 1, path="other")
    await expect(lines_of(window, "GET stall/")).to_have_count(0)
    await window.page.get_by_role("button", name="Show all").click()
    await expect(lines_of(window, "GET stall/").nth(1)).to_be_visible()


async def test_lines_are_grouped_by_finding_on_demand(window, stall):
    await open_live(window)
    await stall_until_shown(stall, lines_of(window, "GET stall/"), 3)
    await stall_until_shown(stall, lines_of(window, "other/"), path="other")
    groups = lines_of(window, "tests.browser.urls.stall")
    await window.page.get_by_label("Group by finding").check()
    await expect(groups).to_have_count(1)
    await expect(groups.locator("[data-field=count]")).to_have_text(re.compile(r"[3-9]|\d\d+"))
    await expect(groups.locator("[data-field=duration]")).to_contain_text("up to ")
    await expect(lines_of(window, "other/").first).to_be_visible()
    await window.page.get_by_label("Route contains").fill("other")
    await expect(groups).to_have_count(0)
    await window.page.get_by_role("button", name="Show all").click()
    await expect(groups.nth(2)).to_be_visible()
    await expect(groups.locator("[data-field=duration]").first).not_to_contain_text("up to ")
    assert await window.flaws() == []


async def test_a_filter_that_matches_nothing_says_so(window, stall):
    await open_live(window)
    await stall_until_shown(stall, lines_of(window, "GET stall/"))
    no_match = window.page.get_by_text("No stall matches the filters.")
    await expect(no_match).to_be_hidden()
    await window.page.get_by_label("Route contains").fill("no such route")
    await expect(no_match).to_be_visible()
    await window.page.get_by_role("button", name="Show all").click()
    await expect(no_match).to_be_hidden()


@pytest.mark.parametrize("doubt", ["likely", "function only"])
async def test_a_line_says_if_its_call_is_not_certain(window, doubt):
    await open_live(window)
    add = "line => new loopwatchLive.Lines(document.getElementById('loopwatch-live-page')).add([line])"
    await window.page.evaluate(add, asdict(replace(line_of_batch(), doubt=doubt)))
    await expect(lines_of(window, "time.sleep").get_by_text(doubt)).to_be_visible()


async def test_a_stall_before_the_page_was_opened_is_on_it(open_window, superuser_session, site_of):
    site = site_of()
    # The page shows whole seconds of the process alone: a stall in the one in which it began is not among them.
    began_s = int(time.time())
    await until(lambda: int(time.time()) > began_s)
    await asyncio.to_thread(site.get, "/stall/400/")
    await until(stalls_stored)
    async with open_window(session_key=superuser_session, address=site.address) as window:
        await open_live(window)
        # The process has been watched for less than two minutes, so that the sum is at least this.
        await expect(blocked_in_two_minutes(window)).to_have_text(re.compile(r"≥ (\d{3} ms|\d\.\d s)"))


class Relay:
    """Stands between a page and its server, and can say nothing more, or close what is open and refuse what is new."""

    def __init__(self):
        self.is_mute = self.is_down = False
        self._open = []

    async def serve(self, socket):
        if self.is_down:
            await socket.close()
            return
        self._open.append(socket)
        socket.connect_to_server().on_message(lambda message: self.is_mute or socket.send(message))

    async def go_down(self):
        self.is_down = True
        for socket in self._open:
            await socket.close()


@pytest_asyncio.fixture(loop_scope="session")
async def relay(window):
    relay = Relay()
    await window.page.route_web_socket(re.compile("/loopwatch/live/$"), relay.serve)
    return relay


async def test_a_page_that_hears_nothing_shows_no_figures_until_it_does(window, relay):
    await open_live(window)
    await expect(blocked_in_two_minutes(window)).to_contain_text("ms")
    relay.is_mute = True
    await expect(window.page.locator(".loopwatch-live-down")).to_contain_text("No message for")
    assert set(await window.page.locator("#loopwatch-processes td").all_text_contents()) == {"–"}
    relay.is_mute = False
    await expect(window.page.locator("#loopwatch-state")).to_contain_text("Connected")
    await expect(window.page.locator(".loopwatch-live-down")).to_have_count(0)
    await expect(blocked_in_two_minutes(window)).to_contain_text("ms")


async def test_a_lost_connection_is_shown_without_figures_until_it_is_back(window, relay):
    await open_live(window)
    await expect(blocked_in_two_minutes(window)).to_contain_text("ms")
    await relay.go_down()
    await expect(window.page.locator(".loopwatch-live-down")).to_contain_text("Disconnected for")
    assert set(await window.page.locator("#loopwatch-processes td").all_text_contents()) == {"–"}
    relay.is_down = False
    await expect(window.page.locator("#loopwatch-state")).to_contain_text("Connected")
    await expect(blocked_in_two_minutes(window)).to_contain_text("ms")


def blocked_in_two_minutes(window):
    return window.page.locator("#loopwatch-processes [data-field=together]")


async def test_a_link_can_preset_the_filters_of_the_live_page(window, stall):
    await open_live(window, "?route=other/")
    await stall()
    await stall(path="other")
    await expect(lines_of(window, "other/").first).to_be_visible()
    await expect(lines_of(window, "GET stall/")).to_have_count(0)


async def test_an_ongoing_stall_keeps_its_line_when_it_ends(window, stall):
    await open_live(window)
    await stall(1_500, path="other")
    line = lines_of(window, re.compile(r"\d\.\d s.*other/", re.DOTALL))
    await expect(line.get_by_text("ongoing")).to_be_hidden()
    await expect(line).to_have_count(1)


async def test_names_on_the_live_page_are_text(window, site):
    await open_live(window)
    await asyncio.to_thread(site.get, "/hostile/150/")
    line = lines_of(window, "Zoë_نوع").first
    await expect(line).to_contain_text("<img src=x onerror=alert(1)>")
    assert await window.page.locator("#loopwatch-lines img, #loopwatch-lines script").count() == 0
    assert await window.flaws() == []


async def test_many_stalls_are_summed_up_in_few_lines(window, stall):
    """Every stall is counted in a line, and there are fewer lines than stalls."""
    await open_live(window)
    await asyncio.gather(*(stall(60, times=10) for _ in range(4)))

    async def is_all_shown():
        lines = lines_of(window, "tests.browser.urls.stall")
        counts = [int(count) for count in await lines.locator("[data-field=count]").all_text_contents()]
        return sum(counts) == await stalls_stored() > len(counts)

    await until(is_all_shown)
    assert await window.flaws() == []


async def test_stalls_left_out_of_a_storm_are_counted(open_window, superuser_session, site_of):
    site = site_of(SITE_THRESHOLD_MS="5")
    async with open_window(session_key=superuser_session, address=site.address) as window:
        await open_live(window)
        left_out = window.page.locator("#loopwatch-left-out")
        while not await left_out.is_visible():  # on a busy machine many of these stalls are not the site's
            await asyncio.to_thread(site.get, "/many/7/")
        await expect(left_out).to_contain_text("more stalls were left out")
        assert await window.flaws() == []


async def stalls_stored():
    findings = Finding.objects.filter(function="tests.browser.urls.stall")
    return sum([finding.events async for finding in findings])
