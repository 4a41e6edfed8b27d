"""Provides a window of the browser that records errors of its pages and checks them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from django.conf import settings
from playwright.async_api import expect

# Set to a folder to look at every page that was judged.
PICTURES = "LOOPWATCH_TESTS_PICTURES"

WITHIN_MS = 60_000
expect.set_options(timeout=WITHIN_MS)
GRAVE = ("serious", "critical")
# What Django draws, and loopwatch has no hand in.
DJANGOS_OWN = {"exclude": [[".breadcrumbs"], ["#changelist-search"], [".paginator"]]}
TOO_WIDE_PX = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# An animation is cancelled where its element is replaced.
MOVES_IN = "Promise.allSettled(document.getAnimations().map(animation => animation.finished))"


@dataclass(frozen=True)
class Look:
    """Holds the user's preferred colours, screen width and language."""

    colours: str
    width_px: int
    language: str = "en"

    def __str__(self):
        width = "narrow" if self.width_px < 768 else "wide"
        return "-".join([self.colours, width] + ([self.language] if self.language != "en" else []))


WIDE_PX, NARROW_PX = 1400, 390
HEIGHT_PX = 900
LOOKS = [Look(colours, width_px) for colours in ("light", "dark") for width_px in (WIDE_PX, NARROW_PX)]


class Window:
    """One page at a time. ``complaints`` are the browser's own: errors, and what the site's policy forbade."""

    def __init__(self, page, address, look):
        self.page = page
        self.complaints = []
        self.address = address
        self._look = look
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))

    def _hear(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    async def show_in(self, look):
        """Load pages as a user with other preferences from now on, in less time than a new window takes.

        Earlier complaints are forgotten, because axe-core causes some.
        """
        self._look = look
        await self.page.emulate_media(color_scheme=look.colours)
        await self.page.set_viewport_size({"width": look.width_px, "height": HEIGHT_PX})
        cookie = {"name": settings.LANGUAGE_COOKIE_NAME, "value": look.language, "url": self.address}
        await self.page.context.add_cookies([cookie])
        self.complaints.clear()

    async def open(self, path):
        """Load a page with all its resources."""
        response = await self.page.goto(self.address + path)
        assert response.status == 200, await response.text()

    async def flaws(self):
        """Return all faults of the current page: complaints, serious faults by axe-core, sideways scrolling."""
        await self.page.evaluate(MOVES_IN)
        await self._take_picture()
        too_wide_px = await self.page.evaluate(TOO_WIDE_PX)
        return [
            *self.complaints,
            *await self._inaccessible(),
            *([f"the page is {too_wide_px} px wider than the window"] if too_wide_px > 0 else []),
        ]

    async def _inaccessible(self):
        results = await Axe().run(self.page, context=DJANGOS_OWN, options={"resultTypes": ["violations"]})
        return [
            f"{violation['id']} ({violation['help']}): {node['html'][:200]} {node['failureSummary']}"
            for violation in results.response["violations"]
            if violation["impact"] in GRAVE
            for node in violation["nodes"]
        ]

    async def _take_picture(self):
        if folder := os.environ.get(PICTURES):
            name = re.sub(r"\W+", "-", self.page.url.removeprefix(self.address)).strip("-")
            await self.page.screenshot(path=Path(folder) / f"{name}-{self._look}.png", full_page=True)
