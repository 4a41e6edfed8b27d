"""Serves one connection of the live page, which only sends."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError
from django.utils.module_loading import import_string

from loopwatch.detection.loggers import logger_of
from loopwatch.escaping.json_document import json_document
from loopwatch.live.access import may_view
from loopwatch.live.connection import BROKEN, Connection
from loopwatch.live.feed import Recent, feed, has_shared_layer
from loopwatch.live.origin import has_own_origin
from loopwatch.live.outbox import Outbox
from loopwatch.live.process_name import process_name
from loopwatch.live.subscription import listen

INTERVAL_S = 0.25
BEAT_S = 1.0
CHECK_INTERVAL_S = 5.0
"""How long a user who has lost the permission can still see the page."""
LEAVING_TIMEOUT_S = 5.0

FORBIDDEN, UNEXPECTED = 4403, 4400

logger = logger_of("live")


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Serves the live page. Route it inside ``AuthMiddlewareStack``, at a path without parameters.

    Closes with 4403 if the user has no (or no longer) permission or the page is of another site, and with 4400 if the
    client sends anything.
    """

    channel_layer_alias = ""
    """No layer: Channels would call any method that a message on its layer names. ``listen`` reads only batches."""

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Any:
        feed.is_routed = True
        if has_shared_layer():
            with suppress(ImportError):  # Channels reports it when a page connects
                # Otherwise the first connection would import it on the loop, which takes some 300 ms.
                import_string(settings.CHANNEL_LAYERS["default"]["BACKEND"])
        return super().as_asgi(**initkwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._outbox = Outbox()
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._connection = Connection(send)
        await super().__call__(scope, receive, self._connection.send)

    async def connect(self) -> None:
        if "user" not in self.scope:
            logger.error("The live page's consumer has no user: put its route inside AuthMiddlewareStack.")
        if not has_own_origin(self.scope) or not await may_view(self.scope):
            await self.close(FORBIDDEN)
            return
        await self.accept()
        if self._connection.is_lost:
            return
        if has_shared_layer():
            self._begin(listen(get_channel_layer(), self._outbox.add))
            recent = Recent(int(time.time()), {})
        else:
            recent = feed.join(self._outbox.add)
        self._begin(self._send_messages(recent))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def disconnect(self, code: int) -> None:  # noqa: ARG002
        feed.leave(self._outbox.add)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVING_TIMEOUT_S)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002
        await self.close(UNEXPECTED)

    async def _send_messages(self, recent: Recent) -> None:
        try:
            await self.send(_first_message(recent))
            await self._send_until_forbidden()
            await self.close(FORBIDDEN)
        except DatabaseError as error:
            logger.warning("The live page cannot check who may view it, and connects again: %s", error)
            await self.close(BROKEN)
        except Exception:
            logger.exception("The connection of the live page failed; the page connects again.")
            await self.close(BROKEN)

    async def _send_until_forbidden(self) -> None:
        """Send what there is four times a second, and at least once a second how late this loop runs."""
        now = asyncio.get_running_loop().time
        worst_s, next_beat, next_check = 0.0, now(), now() + CHECK_INTERVAL_S
        while not self._connection.is_lost:
            due = now() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            worst_s = max(worst_s, now() - due)
            if now() >= next_check:
                if not await may_view(self.scope):
                    return
                next_check = now() + CHECK_INTERVAL_S
            if self._outbox or now() >= next_beat:
                await self.send(self._message(worst_s))
                worst_s, next_beat = 0.0, now() + BEAT_S

    def _message(self, worst_s: float) -> str:
        return json_document(_beat() | {"late_ms": round(worst_s * 1000, 1)} | self._outbox.take())


def _first_message(recent: Recent) -> str:
    """Say what is known of the time before the page was opened."""
    blocked = {process_name(): list(recent.blocked.items())}
    return json_document(_beat() | {"known_since_s": recent.since_s, "lines": [], "left_out": 0, "blocked": blocked})


def _beat() -> dict[str, Any]:
    return {"now_ms": time.time() * 1000, "process": process_name()}
