"""The flame graph in a real browser: its drawing, keyboard, pointer and search."""

import re

import pytest
from django.urls import reverse
from playwright.async_api import expect

from tests.browser.window import LOOKS, NARROW_PX, WIDE_PX, Look
from tests.stored import stored_event, stored_finding, stored_hour

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<script>alert(1)</script>"


def stacks(*samples):
    """Stored stacks; a sample is its milliseconds and its functions, those that begin with ``shop`` the user's own."""
    names = sorted({name for _, *stack in samples for name in stack})
    frames = [
        [f"{name.partition('.')[0]}/code.py", *name.split(".", 1), 7, 7, 0, 0, int(name.startswith("shop")), ""]
        for name in names
    ]
    return {"version": 1, "frames": frames, "samples": [[ms, [*map(names.index, stack)]] for ms, *stack in samples]}


def batched(samples, size=100):
    return (samples[start : start + size] for start in range(0, len(samples), size))


BRANCHED = stacks(
    (60, "django.get_response", "shop.checkout", "shop.total"),
    (30, "django.get_response", "shop.checkout", "json.dumps"),
    (10, "django.get_response", "shop.mail"),
)


@pytest.fixture
def show(transactional_db, window):
    """Return a function that opens the page of a finding with an event for each stack, and waits for its graph."""

    async def opened(*stacks_of_events):
        from asgiref.sync import sync_to_async

        finding = await sync_to_async(stored_finding)()
        for stored in stacks_of_events:
            lasted_us = 1000 * sum(duration_ms for duration_ms, _ in stored["samples"])
            await sync_to_async(stored_event)(finding, stacks=stored, leaf_name="", duration_us=lasted_us)
        await window.open(reverse("admin:loopwatch_finding_change", args=[finding.pk]))
        await expect(window.page.get_by_role("treeitem").first).to_be_visible()
        return window.page

    return opened


def item(page, name):
    return page.get_by_role("treeitem", name=name)


async def focus_on_all(page):
    await item(page, "all stacks").focus()


async def test_nothing_is_wrong_with_a_flame_graph_in_any_look(window, show):
    for look in [*LOOKS, Look("light", WIDE_PX, "ar"), Look("dark", NARROW_PX, "he")]:
        await window.show_in(look)
        page = await show(BRANCHED)
        await page.get_by_text("Self time by function").click()
        await page.get_by_text("As a tree").click()
        await item(page, "shop.checkout").hover()
        assert (look, await window.flaws()) == (look, [])


async def test_a_frame_is_as_wide_as_the_time_it_took(show):
    page = await show(BRANCHED)
    everything = (await item(page, "all stacks").bounding_box())["width"]
    for name, share in (("django.get_response", 1), ("shop.checkout", 0.9), ("shop.total", 0.6), ("shop.mail", 0.1)):
        box = await item(page, name).bounding_box()
        assert box["width"] == pytest.approx(share * everything, abs=2)
    labels = [await each.get_attribute("aria-label") for each in await page.get_by_role("treeitem").all()]
    assert "shop.total, 60 %, 60 ms" in labels


async def test_the_keyboard_reaches_every_frame(window, show):
    page = await show(BRANCHED)
    await focus_on_all(page)
    for key, name in (
        ("ArrowDown", "django.get_response"),
        ("ArrowDown", "shop.checkout"),
        ("ArrowRight", "shop.mail"),
        ("ArrowRight", "shop.mail"),
        ("ArrowLeft", "shop.checkout"),
        ("ArrowDown", "shop.total"),
        ("ArrowRight", "json.dumps"),
        ("ArrowUp", "shop.checkout"),
        ("Home", "all stacks"),
        ("ArrowUp", "all stacks"),
    ):
        await page.keyboard.press(key)
        await expect(item(page, name)).to_be_focused()
    assert await page.get_by_role("treeitem").and_(page.locator("[tabindex='0']")).count() == 1


FOLDABLE = stacks(
    (60, "asgiref.a", "django.b", "django.c", "shop.checkout", "lib.d", "lib.e", "lib.f", "lib.leaf"),
    (40, "asgiref.a", "django.b", "django.c", "shop.checkout", "lib.g", "lib.leaf"),
)


async def test_runs_of_library_frames_are_folded_until_they_are_opened(window, show):
    page = await show(FOLDABLE)
    folded = ["▸ 3 frames: asgiref, django", "▸ 3 frames: lib"]
    names = ["all stacks", "shop.checkout", "lib.g", "lib.leaf", "lib.leaf", *folded]
    items = page.get_by_role("treeitem")
    labels = [(await each.get_attribute("aria-label")).rsplit(", ", 2)[0] for each in await items.all()]
    assert sorted(labels) == sorted(names)
    await page.get_by_label("Search", exact=True).fill("django.b")
    await expect(page.locator(".loopwatch-flame-match")).to_have_count(1)
    await expect(page.get_by_text("100 % of the time matches")).to_be_visible()
    await page.get_by_label("Search", exact=True).fill("")
    await item(page, "▸ 3 frames: lib").click()
    await expect(item(page, "lib.e")).to_be_visible()
    await expect(item(page, "django.b")).to_have_count(0)
    await focus_on_all(page)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(item(page, "asgiref.a")).to_be_focused()
    await expect(items).to_have_count(len(names) + 4)
    await page.get_by_label("Fold library frames").uncheck()
    await expect(items).to_have_count(len(names) + 4)
    await page.get_by_label("Fold library frames").check()
    await expect(items).to_have_count(len(names))
    assert await window.flaws() == []


async def test_two_releases_are_compared_frame_by_frame(transactional_db, window):
    from asgiref.sync import sync_to_async

    finding = await sync_to_async(stored_finding)()
    for release, slow_ms in (("1.4", 50), ("1.5", 90)):
        stored = stacks((slow_ms, "shop.view", "lib.slow"), (100 - slow_ms, "shop.view", "lib.other"))
        await sync_to_async(stored_event)(finding, release=release, stacks=stored, leaf_name="")
        await sync_to_async(stored_hour)(finding, 100, release=release, hour=finding.last_seen)
    page = window.page
    await window.open(reverse("admin:loopwatch_finding_change", args=[finding.pk]))
    await expect(item(page, "lib.slow, 70 %, 140 ms")).to_be_visible()
    for name, release in (("after", "1.5"), ("before", "1.4")):
        await page.locator(f"[name={name}]").select_option(release)
    await page.get_by_role("button", name="Compare").click()
    slow = item(page, "lib.slow, 90 % (+40 %), 90 ms")
    await expect(slow).to_have_class(re.compile("loopwatch-flame-more"))
    await expect(item(page, "lib.other, 10 % (−40 %), 10 ms")).to_have_class(re.compile("loopwatch-flame-less"))
    await expect(item(page, "shop.view, 100 %, 100 ms")).to_be_visible()
    assert await window.flaws() == []


async def test_enter_zooms_in_and_escape_out(show):
    page = await show(BRANCHED)
    await focus_on_all(page)
    everything = (await item(page, "all stacks").bounding_box())["width"]
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        await page.keyboard.press(key)
    await expect(item(page, "shop.mail")).to_be_focused()
    assert (await item(page, "shop.mail").bounding_box())["width"] == pytest.approx(everything, abs=2)
    await expect(item(page, "shop.total")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(item(page, "shop.total")).to_be_visible()
    await expect(item(page, "all stacks")).to_be_focused()


async def test_a_click_zooms_in_and_the_button_out(show):
    page = await show(BRANCHED)
    out = page.get_by_role("button", name="Zoom out")
    await expect(out).to_be_hidden()
    await item(page, "shop.mail").click()
    await expect(item(page, "shop.total")).to_have_count(0)
    await out.click()
    await expect(item(page, "shop.total")).to_be_visible()


async def test_the_search_marks_matches_and_shows_their_share(show):
    page = await show(BRANCHED)
    search = page.get_by_label("Search", exact=True)
    await search.fill("SHOP.")
    marked = page.locator(".loopwatch-flame-match")
    await expect(marked).to_have_count(3)
    await expect(page.get_by_text("100 % of the time matches")).to_be_visible()
    await search.fill("json")
    await expect(page.get_by_text("30 % of the time matches")).to_be_visible()
    await search.press("Enter")
    await expect(item(page, "json.dumps")).to_be_focused()
    await search.fill("")
    await expect(marked).to_have_count(0)


async def test_the_frame_under_the_pointer_is_described(show):
    page = await show(BRANCHED)
    await item(page, "shop.total").hover()
    detail = page.locator(".loopwatch-flame-detail")
    await expect(detail).to_contain_text("shop.total shop/code.py:7 · 60 ms, 60 %; 60 ms self time")


async def test_the_flame_graph_is_resized_with_the_window(show):
    page = await show(BRANCHED)
    tree = page.get_by_role("tree")
    wide = await tree.get_attribute("width")
    await page.set_viewport_size({"width": 500, "height": 900})
    await expect(tree).not_to_have_attribute("width", wide)
    assert (await item(page, "all stacks").bounding_box())["width"] < int(wide) / 2
    await page.set_viewport_size({"width": 1400, "height": 900})
    await expect(tree).to_have_attribute("width", wide)


async def test_names_in_the_flame_graph_are_text(window, show):
    page = await show(stacks((60, f"shop.{HOSTILE}", "x.<img src=x onerror=alert(1)>")))
    await expect(item(page, HOSTILE)).to_be_visible()
    await item(page, HOSTILE).click()
    await expect(page.locator(".loopwatch-flame-detail")).to_contain_text(HOSTILE)
    assert window.complaints == []


async def test_a_deep_stack_scrolls_inside_of_its_frame(window, show):
    page = await show(stacks((60, *(f"lib.f{number}" for number in range(299)), "shop.view")))
    await page.get_by_label("Fold library frames").uncheck()
    await expect(page.get_by_role("treeitem")).to_have_count(301)
    frame = await page.locator(".loopwatch-flame-frame").bounding_box()
    assert frame["height"] < 700
    await page.locator(".loopwatch-flame-frame").evaluate("frame => frame.scrollIntoView()")
    await expect(item(page, "shop.view")).to_be_in_viewport()
    assert await window.flaws() == []


async def test_the_frame_follows_the_keyboard_down_a_deep_stack(show):
    page = await show(stacks((60, *(f"lib.f{number}" for number in range(100)), "shop.view")))
    await page.get_by_label("Fold library frames").uncheck()
    await focus_on_all(page)
    for _ in range(60):
        await page.keyboard.press("ArrowDown")
    below = page.locator("[aria-level='61']")
    await expect(below).to_be_focused()
    await expect(below).to_be_in_viewport(ratio=0.9)


async def test_the_largest_flame_graph_of_a_page_is_drawn(window, show):
    many = [(1, "django.get_response", f"lib.f{number}") for number in range(4_900)]
    page = await show(*(stacks(*each) for each in batched(many)), stacks((4_900, "django.get_response", "shop.view")))
    await expect(item(page, "shop.view")).to_be_visible()
    assert await page.get_by_role("treeitem").count() < 100
    await expect(page.get_by_text("Too narrow to draw: 4,900")).to_be_visible()
    assert await window.flaws() == []


async def test_a_flame_graph_that_cannot_be_loaded_is_replaced_by_a_note(transactional_db, window):
    from asgiref.sync import sync_to_async

    finding = await sync_to_async(stored_finding)()
    await sync_to_async(stored_event)(finding, stacks=BRANCHED)
    await window.page.route("**/flame/drawing/", lambda route: route.abort())
    await window.open(reverse("admin:loopwatch_finding_change", args=[finding.pk]))
    await expect(window.page.get_by_text("The flame graph could not be loaded")).to_be_visible()
    await window.page.get_by_text("As a tree").click()
    await expect(window.page.locator(".loopwatch-tree").get_by_text("shop.total").first).to_be_visible()


async def test_files_are_saved_from_a_real_server(show):
    page = await show(BRANCHED)
    async with page.expect_download() as saving:
        await page.get_by_role("link", name="collapsed stacks").click()
    saved = await (await saving.value).path()
    assert "django.get_response;shop.checkout;shop.total 60000" in saved.read_text()
    await page.goto(page.url.partition("/finding/")[0] + "/blockingevent/")
    async with page.expect_download() as saving:
        await page.get_by_role("link", name="CSV").click()
    saved = await (await saving.value).path()
    assert saved.read_text().count("time.sleep") >= 1
