"""Takes the pictures of the documentation (``make pictures``), once the demo's traffic has left findings to show.

The day before that the overview shows is made up of them (see ``testproject.demo.past``).
"""

import asyncio
import sys
from pathlib import Path

from testproject.demo.animation import animated
from testproject.demo.browser import BrowserError, Page, find_browser, open_browser
from testproject.demo.client import Visitor
from testproject.demo.login import ADMIN_NAME, ADMIN_PASSWORD
from testproject.demo.ports import LOOPBACK, any_free
from testproject.demo.processes import ChildError, run
from testproject.demo.server import serve
from testproject.demo.shop import ROOT, environment_for, open_shop
from testproject.demo.traffic import Tally, VisitError, send_traffic

DATABASE = ROOT / ".demo" / "pictures.sqlite3"
IMAGES = ROOT / "docs" / "images"
WIDTH_PX = 1400
TALLEST_PX = 840
SECONDS = 30.0
FRAMES, FRAME_MS = 24, 1000
RECORDING_SCALE = 0.6
RECORDING_BYTES = 2_000_000
LIVE = "/admin/loopwatch/live/"
OVERVIEW = "/admin/loopwatch/overview/"
FINDINGS = "/admin/loopwatch/finding/"
# The story the documentation tells: a password hashed three layers deep.
STORY = FINDINGS + "?q=PBKDF2HMAC"
# The flame graph with the most to see: a template's.
TEMPLATE = FINDINGS + "?q=shortcuts.render"
FIRST_ROW = "document.querySelector('#result_list tbody th a').href"
FIRST_EVENT = "document.querySelector('[aria-labelledby=loopwatch-slowest] tbody a').href"
IS_DRAWN = """new Promise(drawn => {
    const look = () => document.querySelector('[role=treeitem]') ? drawn(true) : requestAnimationFrame(look);
    look();
})"""
FLAME_PX = """(() => {
    const { top, bottom } = document.querySelector('.loopwatch-flame').getBoundingClientRect();
    return [Math.floor(top + scrollY), Math.ceil(bottom - top)];
})()"""
CONTENT_PX = "Math.ceil(document.querySelector('#content').getBoundingClientRect().bottom + scrollY)"


async def main() -> None:
    browser = find_browser()
    await open_shop(DATABASE)
    port = any_free()
    site = f"http://{LOOPBACK}:{port}"
    print(f"Running the demo's traffic for {SECONDS:.0f} s …", flush=True)
    async with serve(DATABASE, port), open_browser(browser) as page:
        await log_in(page, site)
        await show(page, site + LIVE)
        async with asyncio.TaskGroup() as both:
            both.create_task(send_traffic(site, (ADMIN_NAME, ADMIN_PASSWORD), SECONDS, Tally()))
            both.create_task(record(page, IMAGES / "live-recording.png"))
        await save_what_there_is(page, IMAGES / "live.png")
    log = DATABASE.with_name("past.log")
    await run("manage.py make_past", [str(ROOT / "manage.py"), "make_past"], environment_for(DATABASE), log)
    # A site that has ended has written everything, so that the pictures need not wait for it.
    async with serve(DATABASE, port), open_browser(browser) as page:
        await log_in(page, site)
        await take(page, site + OVERVIEW, IMAGES / "overview.png")
        await take(page, site + FINDINGS, IMAGES / "findings.png")
        await page.open(site + STORY)
        await take(page, await page.evaluate(FIRST_ROW), IMAGES / "finding.png")
        await take(page, await page.evaluate(FIRST_EVENT), IMAGES / "event.png")
        await page.open(site + TEMPLATE)
        await take_flame_graph(page, await page.evaluate(FIRST_ROW), IMAGES / "flame.png")


async def log_in(page: Page, site: str) -> None:
    async with Visitor(site) as visitor:
        await visitor.log_in(ADMIN_NAME, ADMIN_PASSWORD)
        for name, value in visitor.http.cookies.items():
            await page.command("Network.setCookie", name=name, value=value, url=site)


async def take(page: Page, url: str, target: Path) -> None:
    await show(page, url)
    await save_what_there_is(page, target)


async def record(page: Page, target: Path) -> None:
    """Take a picture every second, and save the last ones that fit into the file as an animation."""
    frames = []
    for _ in range(FRAMES):
        frames.append(await page.picture(WIDTH_PX, TALLEST_PX, scale=RECORDING_SCALE))
        await asyncio.sleep(FRAME_MS / 1000)
    while len(moving := animated(frames, FRAME_MS)) > RECORDING_BYTES and len(frames) > 2:
        del frames[0]
    target.write_bytes(moving)
    print(f"{target.relative_to(ROOT)}: {len(frames)} frames, {len(moving) // 1024} KiB", flush=True)


async def save_what_there_is(page: Page, target: Path) -> None:
    await save(page, target, min(await page.evaluate(CONTENT_PX), TALLEST_PX))


async def take_flame_graph(page: Page, url: str, target: Path) -> None:
    await show(page, url, TALLEST_PX)
    await page.evaluate(IS_DRAWN)
    top_px, height_px = await page.evaluate(FLAME_PX)
    await save(page, target, height_px, top_px)


async def show(page: Page, url: str, height_px: int = 800) -> None:
    screen = {"width": WIDTH_PX, "height": height_px, "deviceScaleFactor": 1, "mobile": False}
    await page.command("Emulation.setDeviceMetricsOverride", **screen)
    await page.open(url)


async def save(page: Page, target: Path, height_px: int, top_px: int = 0) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(await page.picture(WIDTH_PX, height_px, top_px))
    print(f"{target.relative_to(ROOT)}: {WIDTH_PX} × {height_px} px, {target.stat().st_size // 1024} KiB", flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* (BrowserError, ChildError, VisitError) as errors:
        sys.exit("\n".join(f"No pictures were taken: {error}" for error in errors.exceptions))
