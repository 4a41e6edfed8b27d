"""Sends to one page's WebSocket."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from loopwatch.detection.loggers import logger_of

BROKEN = 4500

Message = dict[str, Any]

logger = logger_of("live")


class Connection:
    """Sends messages until one fails; then the connection is lost and nothing more is sent.

    The ASGI specification requires ``send`` to raise ``OSError`` once the client has disconnected. Daphne raises
    Autobahn's ``RuntimeError`` instead, and other servers raise nothing, so any error counts as a disconnect. Messages
    are built before they arrive here, so no error of loopwatch's own code is hidden.
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
            logger.debug("Sending to the live page failed; it has probably been closed.", exc_info=True)
            with suppress(Exception):  # if the browser is still there, it connects again
                await self._send({"type": "websocket.close", "code": BROKEN})
