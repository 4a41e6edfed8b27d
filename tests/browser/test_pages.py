"""Every page of the admin, in light and dark, wide and narrow, from left and from right, under a strict policy.

Nothing may be wrong with any of them: no complaint of the browser, no grave fault.
"""

import asyncio
import re
from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.async_api import expect

from tests.browser.window import NARROW_PX, WIDE_PX, Look
from tests.stored import (
    stored_event,
    stored_finding,
    stored_health,
    stored_hour,
    stored_loop_time,
    stored_route,
    stored_stack,
    stored_wait,
)

HIDDEN_PX = "box => box.scrollWidth - box.clientWidth"
pytestmark = pytest.mark.asyncio(loop_scope="session")
LOOKS = [
    Look("light", WIDE_PX),
    Look("light", NARROW_PX, "ar"),
    Look("dark", WIDE_PX, "he"),
    Look("dark", NARROW_PX, "de"),
]

HOSTILE = "shop.views.<script>alert(1)</script>.Zoë_نوع"
FRAMES = (
    ("django/core/handlers/base.py", "BaseHandler.get_response", 140, 8, 40, 0, ""),
    ("loopwatch/conf.py", "configuration", 60, 13, 23, 1, "found = list(problems())"),
    ("site-packages/requests/api.py", HOSTILE, 7, 4, 20, 0, "session.get('<b>')"),
)


@pytest.fixture
def store(transactional_db):
    """Store what a site has after some time, and return the URLs of its pages by name."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    seen = {"first_seen": hour - timedelta(days=3), "last_seen": hour}
    finding = stored_finding(events=37, events_thinned=30, requests_delayed=9, delay_us=900_000, exact=False, **seen)
    hostile = stored_finding(function=HOSTILE, blocking_call="requests.api.get", status="ignored", **seen)
    for ago in range(0, 60, 7):
        stored_hour(finding, *[90 + ago] * (1 + ago % 5), hour=hour - timedelta(hours=ago), requests_delayed=ago)
    for ago, release in ((60, "1.4"), (30, "1.5")):
        stored_hour(hostile, 2_000, 60, hour=hour - timedelta(hours=ago), release=release)
    stored_hour(hostile, 2_000, hour=hour, method="WebSocket", route="ws/<slug:room>/")
    contributions = [
        {"name": name, "own_ms": 20.5, "count": 3, "function": name, "lineno": 2} for name in ("time.sleep", HOSTILE)
    ]
    stacks = stored_stack(*FRAMES) | {"threads": [[3, [0, 1]], [1, [0, 2]], [1, [0]]]}
    event = stored_event(finding, started_at=hour, stacks=stacks, contributions=contributions)
    stored_event(finding, started_at=hour - timedelta(minutes=1), ongoing=True)
    stored_event(hostile, started_at=hour, route="", method="")
    stored_event(hostile, started_at=hour, route="admin/loopwatch/blockingevent/<int:pk>/flame/<slug:file_format>/")
    for minutes in range(0, 50, 7):
        stored_loop_time(
            start=timezone.now() - timedelta(minutes=minutes), events=2, blocked_us=400_000, busy_us=9_000_000
        )
    stored_route(start=hour, events=1, blocked_us=200_000, waits=8, waited_us=1_600_000)
    stored_wait(HOSTILE, 50, 300, hour=hour)
    health = stored_health(errors={"callback": 5}, dropped=3, last_error=f"callback: ValueError in {HOSTILE}")
    return {
        "index": reverse("admin:app_list", args=["loopwatch"]),
        "overview": reverse("admin:loopwatch_overview_changelist"),
        "releases": reverse("admin:loopwatch_overview_releases"),
        "findings": reverse("admin:loopwatch_finding_changelist") + "?status=all",
        "finding": reverse("admin:loopwatch_finding_change", args=[finding.pk]),
        "events": reverse("admin:loopwatch_blockingevent_changelist"),
        "event": reverse("admin:loopwatch_blockingevent_change", args=[event.pk]),
        "live": reverse("admin:loopwatch_live_changelist"),
        "waits": reverse("admin:loopwatch_threadwaittotal_changelist"),
        "processes": reverse("admin:loopwatch_processhealth_changelist"),
        "process": reverse("admin:loopwatch_processhealth_change", args=[health.pk]),
    }


@pytest.mark.parametrize(
    "name",
    [
        "index",
        "overview",
        "releases",
        "findings",
        "finding",
        "events",
        "event",
        "live",
        "waits",
        "processes",
        "process",
    ],
)
async def test_nothing_is_wrong_with_a_page_of_the_admin_in_any_look(name, window, store):
    for look in LOOKS:
        await window.show_in(look)
        await window.open(store[name])
        assert await window.page.evaluate("document.documentElement.lang") == look.language
        assert (look, await window.flaws()) == (look, [])


@pytest.mark.parametrize("model", ["finding", "blockingevent"])
@pytest.mark.parametrize("width_px", [1280, 1024, 768, 390])
async def test_no_column_of_a_list_is_cut_off(window, store, model, width_px):
    """With Django's sidebar as it is by default."""
    await window.page.set_viewport_size({"width": width_px, "height": 720})
    await window.open(reverse(f"admin:loopwatch_{model}_changelist"))
    assert await window.page.locator("#changelist .results").evaluate(HIDDEN_PX) <= 0


@pytest.fixture
def seven_findings(transactional_db):
    for number in range(7):
        long = f"cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC.derive_{number}"
        finding = stored_finding(
            blocking_call=long,
            function="shop.orders.checkout.views.Checkout.pay",
            exact=False,
            requests_delayed=3_410,
            delay_us=10**9,
            requests_kept_out=270,
        )
        for route in "ab":
            stored_hour(finding, 60, route=f"catalogue/<int:pk>/{route}/", hour=finding.last_seen)


async def test_seven_findings_fit_on_a_usual_screen(window, seven_findings):
    await window.page.set_viewport_size({"width": 1280, "height": 720})
    await window.open(reverse("admin:loopwatch_finding_changelist"))
    ends_px = "rows => rows.map(row => row.getBoundingClientRect().bottom)"
    assert sorted(await window.page.locator("#result_list tbody tr").evaluate_all(ends_px))[6] <= 720


@pytest.mark.parametrize("name", ["overview", "releases", "finding", "event", "waits"])
async def test_a_narrow_screen_shows_all_figures_without_sideways_scrolling(window, store, name):
    await window.page.set_viewport_size({"width": NARROW_PX, "height": 900})
    await window.open(store[name])
    tables = window.page.locator(".loopwatch-scroll:has(> table:not(.loopwatch-listing))")
    assert await tables.count()
    assert [px for px in await tables.evaluate_all(f"all => all.map({HIDDEN_PX})") if px > 0] == []


@pytest.mark.parametrize("name", ["overview", "findings", "finding", "event", "waits"])
async def test_a_page_loads_none_of_the_scripts_of_djangos_forms(window, store, name):
    loaded = await loaded_with(window, store[name])
    assert not {"jquery.js", "jquery.min.js", "xregexp.js", "xregexp.min.js", "urlify.js"} & set(loaded)
    assert sum(loaded.values()) < 150_000, loaded


async def loaded_with(window, path):
    """Open a page, and return the sizes of all that it loads by the last part of their addresses."""
    responses = {}
    window.page.on("response", lambda response: responses.update({response.url: response}))
    await window.open(path)
    await window.page.wait_for_load_state("networkidle")
    return {each.url.rpartition("/")[2]: len(await each.body()) for each in [*responses.values()] if each.status == 200}


@pytest.fixture
def full_day(store):
    """Blocks in every quarter of an hour of a day, by several findings on several routes."""
    now = timezone.now()
    for quarter in range(96):
        stored_loop_time(start=now - timedelta(minutes=15 * quarter), events=2, blocked_us=400_000, busy_us=9_000_000)
    for release, hours in (("1.4", 99), ("1.5.0-rc1", 9), ("1.5.0", 2)):
        stored_loop_time(start=now, minutes=60, since=now - timedelta(hours=hours), release=release, process_id=hours)
    for number in range(8):
        finding = stored_finding(function=f"shop.orders.checkout.views.Checkout.pay_{number}", last_seen=now)
        stored_hour(finding, 60, hour=now.replace(minute=0, second=0, microsecond=0))
        stored_route(
            start=now.replace(minute=0, second=0, microsecond=0), route=f"orders/{number}/", blocked_us=9, waited_us=9
        )
    return store


async def test_the_overview_of_a_full_day_is_small(window, full_day):
    loaded = await loaded_with(window, full_day["overview"])
    assert await window.page.locator(".loopwatch-zoom title").count() == 96
    assert sum(loaded.values()) < 150_000, loaded
    marks = window.page.locator(".loopwatch-marks")
    await expect(marks).to_have_text("1.5.0-rc11.5.0")
    assert (await marks.bounding_box())["height"] == pytest.approx(104, abs=2)
    assert await window.flaws() == []


async def test_dragging_over_the_chart_zooms_into_that_time(window, store):
    await window.open(store["overview"])
    box = await window.page.locator(".loopwatch-zoom").bounding_box()
    await window.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 5)
    await window.page.mouse.down()
    await window.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 5, steps=3)
    await window.page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 5, steps=3)
    await window.page.mouse.up()
    await window.page.wait_for_url(re.compile("from=.+to="))
    begin, end = await window.page.locator(".loopwatch-zoom").evaluate("({dataset}) => [dataset.begin, dataset.end]")
    hours = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)) / timedelta(hours=1)
    assert 6 <= hours <= 8
    assert window.complaints == []


async def test_a_culprit_is_on_the_first_screen_of_the_overview(window, store):
    await window.page.set_viewport_size({"width": 1280, "height": 720})
    await window.open(store["overview"])
    row = window.page.locator("[aria-labelledby=loopwatch-impact] tbody tr").first
    box = await row.bounding_box()
    assert box["y"] + box["height"] <= 720


async def test_the_overview_is_as_wide_on_the_index(window, store):
    width_px = "main => main.clientWidth"
    await window.open(store["overview"])
    wide_px = await window.page.locator("#content-main").evaluate(width_px)
    await window.open(store["index"])
    assert await window.page.locator("#content-main").evaluate(width_px) == wide_px


async def test_faults_of_a_page_are_detected(window):
    await window.open("/forbidden/")
    flaws = "\n".join(await window.flaws())
    assert "Content Security Policy" in flaws
    assert "image-alt" in flaws
    assert "px wider than the window" in flaws


async def test_the_list_and_the_page_of_findings_have_keys(window, store, seven_findings):
    await window.open(store["findings"])
    links = window.page.locator("#result_list .field-call a")
    for key, row in (("j", 0), ("j", 1), ("k", 0), ("k", 0), ("j", 1)):
        await window.page.keyboard.press(key)
        await expect(links.nth(row)).to_be_focused()
    await window.page.keyboard.press("Control+j")
    await expect(links.nth(1)).to_be_focused()
    await window.page.locator("#searchbar").fill("")
    await window.page.keyboard.press("j")
    await expect(window.page.locator("#searchbar")).to_have_value("j")
    await window.open(store["finding"])
    await window.page.route("**/status/", lambda route: route.fulfill(status=204))
    for key, status in (("r", "resolved"), ("i", "ignored")):
        async with window.page.expect_request("**/status/") as sent:
            await window.page.keyboard.press(key)
        assert f"status={status}" in (await sent.value).post_data


async def test_a_finding_is_set_aside_by_a_sentence_and_put_back(open_window, superuser_session, store, site_of):
    # The history needs the content types as they are now, and a process looks them up once.
    site = await asyncio.to_thread(site_of)
    async with open_window(session_key=superuser_session, address=site.address) as window:
        page = window.page
        await window.open(store["finding"])
        await page.get_by_text("Ignore or resolve until").click()
        await page.locator("[name=longer]").fill("400")
        await expect(page.locator("[name=choice][value=longer]")).to_be_checked()
        assert await window.flaws() == []
        window.complaints.clear()
        await page.get_by_role("button", name="Set aside").click()
        await expect(page.get_by_text("Ignored until a stall lasts longer than 400 ms.")).to_be_visible()
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_text("1 finding is as before.")).to_be_visible()
        await page.get_by_text("Add a note").click()
        await page.get_by_role("textbox", name="Note").fill("Ada works on it")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("p.loopwatch-set-aside")).to_have_text("Ada works on it")
        assert await window.flaws() == []


async def test_a_finding_is_copied_as_markdown(window, store):
    await window.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await window.open(store["finding"])
    await window.page.get_by_role("link", name="Copy as Markdown").click()
    await expect(window.page.get_by_role("link", name="Copied")).to_be_visible()
    assert (await window.page.evaluate("navigator.clipboard.readText()")).startswith("### time.sleep blocks")


async def fails(page):
    await page.route("**/markdown/", lambda route: route.fulfill(status=500, body="<h1>Server Error</h1>"))


async def logs_out(page):
    await page.context.clear_cookies()


@pytest.mark.parametrize(("happens", "leads_to"), [(fails, "**/markdown/"), (logs_out, "**/login/**")])
async def test_a_page_that_is_no_markdown_is_not_copied_but_followed(window, store, happens, leads_to):
    await window.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await window.open(store["finding"])
    await window.page.evaluate("navigator.clipboard.writeText('before')")
    await happens(window.page)
    await window.page.get_by_role("link", name="Copy as Markdown").click()
    await window.page.wait_for_url(leads_to)
    assert await window.page.evaluate("navigator.clipboard.readText()") == "before"
