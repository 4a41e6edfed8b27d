"""A visitor of the shop, over real HTTP and a real WebSocket."""

import json
from itertools import count
from types import TracebackType
from typing import Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

from testproject.mistakes import UPLOAD_BYTES, Visit

PATIENCE_S = 30


class Visitor:
    """One browser: its cookies, its CSRF token. ``site`` is the address, like ``http://127.0.0.1:8000``."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.books = count(1)
        self.http = httpx.AsyncClient(base_url=site, timeout=PATIENCE_S, trust_env=False)

    async def __aenter__(self) -> Self:
        try:
            await self.get("/")
        except BaseException:
            await self.http.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def get(self, path: str) -> httpx.Response:
        return (await self.http.get(path)).raise_for_status()

    async def log_in(self, name: str, password: str) -> httpx.Response:
        form = {"username": name, "password": password}
        answer = await self.http.post("/accounts/login/", data=form, headers=self.csrf_header())
        return answer.raise_for_status() if answer.status_code != httpx.codes.FOUND else answer

    async def visit(self, visit: Visit) -> None:
        """Make the visit and wait for the answer; raises when there is none, or it is an error."""
        if visit.is_websocket:
            async with self.chat(visit.path) as room:
                await say(room, f"Does anyone know book {next(self.books)}?")
        else:
            await self.request(visit)

    async def request(self, visit: Visit) -> httpx.Response:
        headers = self.csrf_header()
        if visit.authorization:
            headers["Authorization"] = visit.authorization
        files = {"scan": ("leaflet.pdf", bytes(UPLOAD_BYTES), "application/pdf")} if visit.uploads else None
        return (await self.http.request(visit.method, visit.path, headers=headers, files=files)).raise_for_status()

    def csrf_header(self) -> dict[str, str]:
        return {"X-CSRFToken": self.http.cookies.get("csrftoken") or ""}

    def chat(self, path: str) -> connect:
        address = self.site.replace("http", "ws", 1) + path
        return connect(address, origin=self.site, proxy=None, open_timeout=PATIENCE_S)  # type: ignore[arg-type]


async def say(room: ClientConnection, text: str) -> None:
    """Send a chat message and wait until the room, oneself included, has heard it."""
    await room.send(json.dumps({"text": text}))
    while json.loads(await room.recv()).get("text") != text:
        pass
