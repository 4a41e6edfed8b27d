"""Sends to one page's WebSocket."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

BROKEN = 4500

Message = dict[str, Any]

logger = logging.getLogger("loopwatch.live")


class Connection:
    """Sends messages until one fails; then the connection is lost, and nothing more is sent.

    The ASGI specification requires an ``OSError`` from ``send`` once a browser has left. Daphne raises a
    ``RuntimeError`` of Autobahn's instead, and others raise nothing, so any error of ``send`` counts as the end.
    Messages are complete before they arrive here, so an error of loopwatch's own code is never hidden.
    """

    def __init__(self, send: Callable[[Message], Awaitable[None]]) -> None:
        self._send = send
        self.is_lost = False

    async def send(self, message: Message) -> None:
        """Send the message, unless the connection is lost. Never raises."""
        if self.is_lost:
            return
        try:
            await self._send(message)
        except Exception:
            self.is_lost = True
            logger.debug("A message did not get through to the live page: it has probably been left.", exc_info=True)
            with suppress(Exception):  # the browser may still be there, and then connects again
                await self._send({"type": "websocket.close", "code": BROKEN})
