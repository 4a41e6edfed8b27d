"""Answers HTTP probes on one thread: one short request for each connection, with limits on size, time and number.

``http.server`` is not used: it has no limit for slow clients, or needs a thread for each. The lookout's subinterpreter
runs this module, too, so it imports little, and the standard library only.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, BaseSelector

from loopwatch.detection.lookout.http_answer import MOST_BYTES, is_complete

MOST_CONNECTIONS = 64
"""When as many are open, the oldest is closed for the next one: silent clients keep no probe out."""
MOST_IN_A_TURN = 32
GIVEN_UP_AFTER_S = 2.0
PAUSE_AFTER_FAILURE_S = 0.1


class _Incoming:
    """What has arrived on a connection so far, and when the connection is closed if nothing more arrives."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.request = b""


class ProbeServer:
    """Answers each request with ``answer``. What it registers with ``selector`` are functions to call on arrivals."""

    def __init__(self, selector: BaseSelector, answer: Callable[[bytes], bytes]) -> None:
        self._selector = selector
        self._answer = answer
        self._listener: socket.socket | None = None
        self._incoming: dict[socket.socket, _Incoming] = {}

    @property
    def listener(self) -> socket.socket | None:
        return self._listener

    def accept_from(self, listener: socket.socket | None) -> None:
        """Accept the connections of this listener from now on, and no others. It must not block."""
        if listener is self._listener:
            return
        if self._listener is not None:
            self._selector.unregister(self._listener)
        self._listener = listener
        if listener is not None:
            self._selector.register(listener, EVENT_READ, self._accept)

    def close(self) -> None:
        """Close every socket. In a forked child this leaves the parent's selector as it is."""
        for each in (self._listener, *self._incoming):
            if each is not None:
                each.close()
        self._listener = None
        self._incoming.clear()

    def close_expired(self, at: float) -> float | None:
        """Close the connections of silent clients. Returns when the next one expires."""
        for connection, incoming in list(self._incoming.items()):
            if incoming.deadline > at:
                return incoming.deadline
            self._drop(connection)
        return None

    def _accept(self) -> None:
        for _ in range(MOST_IN_A_TURN):
            listener = self._listener
            if listener is None:
                return
            try:
                connection, _address = listener.accept()
            except BlockingIOError:
                return
            except OSError:  # the client has gone, or the process has no descriptor left: accept(2)
                time.sleep(PAUSE_AFTER_FAILURE_S)
                return
            self._begin(connection)

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        incoming = _Incoming(time.monotonic() + GIVEN_UP_AFTER_S)
        if self._is_settled(connection, incoming):  # most requests have arrived by now
            connection.close()
            return
        if len(self._incoming) >= MOST_CONNECTIONS:
            self._drop(next(iter(self._incoming)))
        self._incoming[connection] = incoming
        self._selector.register(connection, EVENT_READ, partial(self._go_on, connection))

    def _go_on(self, connection: socket.socket) -> None:
        incoming = self._incoming.get(connection)
        if incoming is not None and self._is_settled(connection, incoming):  # None: dropped in this turn
            self._drop(connection)

    def _is_settled(self, connection: socket.socket, incoming: _Incoming) -> bool:
        """Receive what has arrived. Returns whether the request is answered, or given up."""
        try:
            received = connection.recv(MOST_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            return True
        incoming.request += received
        if received and not is_complete(incoming.request):
            return False
        if received:
            with suppress(OSError):  # the client is gone
                connection.send(self._answer(incoming.request))
        return True

    def _drop(self, connection: socket.socket) -> None:
        del self._incoming[connection]
        self._selector.unregister(connection)
        connection.close()
