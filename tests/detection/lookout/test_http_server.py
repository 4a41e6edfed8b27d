"""One thread answers all probes, and no client can keep the others out."""

import select
import socket
import time
from selectors import DefaultSelector
from types import SimpleNamespace

import pytest

from loopwatch.detection.lookout import http_server
from loopwatch.detection.lookout.http_server import GIVEN_UP_AFTER_S, MOST_CONNECTIONS, ProbeServer
from testproject.demo.ports import LOOPBACK

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


class Served:
    """A server whose turns a test takes itself."""

    def __init__(self):
        self.selector = DefaultSelector()
        self.asked = []
        self.server = ProbeServer(self.selector, self.answer)
        self.listener = socket.create_server((LOOPBACK, 0))
        self.address = self.listener.getsockname()
        self.listener.setblocking(False)
        self.server.accept_from(self.listener)
        self.clients = []

    def answer(self, request):
        self.asked.append(request)
        return b"answer"

    def connect(self, request=b""):
        client = socket.create_connection(self.address, timeout=30)
        self.clients.append(client)
        client.sendall(request)
        return client

    def take_turns(self, until):
        while not until():
            for key, _ in self.selector.select(0.1):
                key.data()

    def has_received(self, *requests):
        """Whether these are the requests, not complete, that it holds."""
        return [each.request for each in self.server._incoming.values()] == list(requests)

    def close(self):
        self.server.close()
        self.selector.close()
        for client in self.clients:
            client.close()


@pytest.fixture
def served():
    served = Served()
    yield served
    served.close()


def received(client):
    return b"".join(iter(lambda: client.recv(100), b""))


def test_each_request_gets_an_answer_and_its_connection_is_closed(served):
    clients = [served.connect(REQUEST) for _ in range(3)]
    served.take_turns(until=lambda: len(served.asked) == 3)
    assert [received(client) for client in clients] == [b"answer"] * 3
    assert served.asked == [REQUEST] * 3


def test_a_request_may_come_in_pieces(served):
    client = served.connect(REQUEST[:5])
    served.take_turns(until=lambda: served.has_received(REQUEST[:5]))
    client.sendall(REQUEST[5:])
    served.take_turns(until=lambda: served.asked)
    assert received(client) == b"answer"
    assert served.asked == [REQUEST]


def test_a_client_that_hangs_up_is_forgotten(served):
    served.connect(REQUEST[:5])
    served.take_turns(until=lambda: served.has_received(REQUEST[:5]))
    served.clients.pop().close()
    served.take_turns(until=served.has_received)
    assert served.asked == []
    assert served.server.close_expired(float("inf")) is None


def test_a_silent_client_is_given_up(served):
    before = time.monotonic()
    client = served.connect()
    served.take_turns(until=lambda: served.has_received(b""))
    after = time.monotonic()
    assert before <= served.server.close_expired(before) - GIVEN_UP_AFTER_S <= after
    served.server.close_expired(after + GIVEN_UP_AFTER_S)
    assert received(client) == b""


def test_silent_clients_keep_no_probe_out(served):
    silent = [served.connect() for _ in range(MOST_CONNECTIONS + 1)]
    served.take_turns(until=lambda: _is_readable(silent[0]))
    assert received(silent[0]) == b""
    probe = served.connect(REQUEST)
    served.take_turns(until=lambda: served.asked)
    assert received(probe) == b"answer"


def test_a_process_without_a_free_descriptor_waits_before_it_accepts_again(served, monkeypatch):
    pauses = []
    monkeypatch.setattr(http_server, "time", SimpleNamespace(sleep=pauses.append))

    class Listener:
        def accept(self):
            raise OSError("Too many open files")

        def close(self):
            pass

    served.listener.close()
    served.server._listener = Listener()
    served.server._accept()
    assert len(pauses) == 1


def test_no_connection_is_accepted_without_a_listener(served):
    open_one = served.connect(REQUEST[:5])
    served.take_turns(until=lambda: served.has_received(REQUEST[:5]))
    served.server.accept_from(None)
    waiting = served.connect(REQUEST)
    open_one.sendall(REQUEST[5:])
    served.take_turns(until=lambda: served.asked)
    assert received(open_one) == b"answer"
    assert served.asked == [REQUEST]
    served.server.accept_from(served.listener)
    served.take_turns(until=lambda: len(served.asked) == 2)
    assert received(waiting) == b"answer"


def test_a_server_that_is_closed_frees_its_port(served):
    served.server.close()
    socket.create_server(served.address).close()


def _is_readable(client):
    return bool(select.select([client], [], [], 0)[0])
