"""Plays the browser's end of the live page's WebSocket, which disconnects as a test demands."""

import json
import socket
import struct
import time
from contextlib import suppress

from django.conf import settings
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from testproject.demo.ports import LOOPBACK

WITHIN_S = 60


class Page:
    """Is an open page of the user with this session."""

    def __init__(self, port, session_key):
        address = f"{LOOPBACK}:{port}"
        self._protocol = ClientProtocol(parse_uri(f"ws://{address}/loopwatch/live/"), origin=f"http://{address}")
        self._socket = socket.create_connection((LOOPBACK, port), timeout=WITHIN_S)
        self._received = []
        request = self._protocol.connect()
        request.headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={session_key}"
        self._protocol.send_request(request)
        self._flush()
        while self._protocol.state is State.CONNECTING:
            self._receive()
        assert self._protocol.state is State.OPEN, self._protocol.handshake_exc

    def message(self):
        """Return the next message."""
        while not self._received:
            self._receive()
        frame = self._received.pop(0)
        assert frame.opcode is not Opcode.CLOSE, frame
        return json.loads(frame.data)

    def read_until_shown(self, function):
        """Read messages up to the one that has a line of this function."""
        deadline = time.monotonic() + WITHIN_S  # each second brings a message, whether it has lines or not
        while function not in [line["function"] for line in self.message()["lines"]]:
            assert time.monotonic() < deadline, f"no line of {function}"

    def hang_up(self):
        """Close the socket without a handshake, unless it is closed already."""
        self._socket.close()

    def say_goodbye(self):
        """Start the closing handshake, as a browser does."""
        self._protocol.send_close(1001)
        self._flush()

    def close(self):
        """Close the connection, and wait until the server has closed it too."""
        self.say_goodbye()
        with suppress(ConnectionResetError):
            while self._socket.recv(65536):
                pass

    def reset(self):
        """Disconnect like a machine that is switched off: the server gets at most a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _flush(self):
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)

    def _receive(self):
        data = self._socket.recv(65536)
        assert data, "the server has hung up"
        self._protocol.receive_data(data)
        self._flush()  # answers pings
        self._received += [event for event in self._protocol.events_received() if is_for_the_page(event)]


def is_for_the_page(event):
    return not isinstance(event, Response) and event.opcode is not Opcode.PING
