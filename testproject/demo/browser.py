"""A headless Chromium, driven through its DevTools protocol: just enough to open pages and take pictures of them."""

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
PATIENCE_S = 30


class BrowserError(Exception):
    """The browser is missing, did not start, or refused a command."""


@dataclass(slots=True)
class Page:
    """The one page of the browser. Commands are sent one after the other; events nobody waits for are passed over."""

    devtools: ClientConnection
    commands_sent: int = 0

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; raise ``BrowserError`` if it is refused."""
        self.commands_sent += 1
        number = self.commands_sent
        await self.devtools.send(json.dumps({"id": number, "method": method, "params": parameters}))
        answer = await self._received("id", number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str) -> None:
        """Load a page, its images and style sheets included."""
        await self.command("Page.enable")
        opened = await self.command("Page.navigate", url=url)
        if "errorText" in opened:
            raise BrowserError(f"{url}: {opened['errorText']}")
        await self._received("method", "Page.loadEventFired")

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, or what a promise is fulfilled with."""
        evaluated = await self.command("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return evaluated["result"].get("value")

    async def picture(self, width_px: int, height_px: int, top_px: int = 0, scale: float = 1) -> bytes:
        """A PNG of the page from its left edge and ``top_px`` on, whether that is in view or not."""
        clip = {"x": 0, "y": top_px, "width": width_px, "height": height_px, "scale": scale}
        taken = await self.command("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    async def _received(self, key: str, value: object) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message: dict[str, Any] = json.loads(await self.devtools.recv())
                if message.get(key) == value:
                    return message


def find_browser() -> str:
    """The path of Chromium; raises ``BrowserError`` if there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise BrowserError("Chromium is missing. On Debian and Ubuntu: apt-get install chromium")
    return program


@asynccontextmanager
async def open_browser(program: str) -> AsyncIterator[Page]:
    """Start Chromium with an empty profile; it ends with the block. Raises ``BrowserError`` if it does not start."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = await asyncio.create_subprocess_exec(
            program,
            *QUIET,
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",
            "about:blank",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = await page_address(browser, Path(profile, "DevToolsActivePort"))
            async with connect(address, proxy=None, max_size=None) as devtools:
                yield Page(devtools)
        finally:
            if browser.returncode is None:
                browser.terminate()
            await browser.wait()


async def page_address(browser: asyncio.subprocess.Process, port_file: Path) -> str:
    """Where to reach the page that is open; Chromium writes down the port once it listens."""
    async with asyncio.timeout(PATIENCE_S):
        while not (port_file.exists() and "\n" in port_file.read_text()):
            if browser.returncode is not None:
                raise BrowserError(f"Chromium ended with exit code {browser.returncode}.")
            await asyncio.sleep(0.1)
    port, path = port_file.read_text().splitlines()
    async with connect(f"ws://127.0.0.1:{port}{path}", proxy=None) as devtools:
        targets = await Page(devtools).command("Target.getTargets")
    page = next(target["targetId"] for target in targets["targetInfos"] if target["type"] == "page")
    return f"ws://127.0.0.1:{port}/devtools/page/{page}"
