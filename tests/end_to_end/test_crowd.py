"""Clients that come while a server's loop is blocked: each is counted once as kept out, and no other client is."""

import json
import socket
import sys
import threading

import pytest

from testproject.demo.ports import LOOPBACK
from tests.support.site import Site
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(sys.platform == "win32", reason="these servers are stopped by signals"),
]

APPLICATION = "tests.end_to_end.crowded_site:application"
UVICORN = ("uvicorn", APPLICATION, "--host", LOOPBACK, "--port", "{port}", "--log-level", "warning")
SERVERS = {
    "daphne": ("daphne", APPLICATION, "--bind", LOOPBACK, "--port", "{port}"),
    "uvicorn on asyncio": (*UVICORN, "--loop", "asyncio"),
    "uvicorn on uvloop": (*UVICORN, "--loop", "uvloop"),
}
CROWD = 20


class CrowdedSite(Site):
    """Its loop is blocked between ``block`` and ``go_on``."""

    def __init__(self, folder):
        super().__init__(folder, CROWD_FOLDER=str(folder))
        self.folder = folder
        self._blocking = None

    def forget_reports(self):
        (self.folder / "reports").unlink(missing_ok=True)

    def block(self, beside=0):
        """Block as soon as only this many requests are in flight."""
        (self.folder / "blocked").unlink(missing_ok=True)
        self._blocking = threading.Thread(target=self.get, args=(f"/block/?beside={beside}",))
        self._blocking.start()
        wait_until((self.folder / "blocked").exists, otherwise=lambda: self.log)

    def go_on(self):
        """Let the loop go on; return when the blocking view has answered."""
        (self.folder / "go").touch()
        self._blocking.join()

    def reports(self, count):
        """Requests in flight, those kept out, their wait, the length and the routes of that many stalls."""
        file = self.folder / "reports"
        wait_until(lambda: file.exists() and file.read_text().count("\n") >= count, otherwise=lambda: self.log)
        return [json.loads(line) for line in file.read_text().splitlines()]


class Client:
    """A connection that is kept open from one request to the next."""

    def __init__(self, port):
        self._socket = socket.create_connection((LOOPBACK, port), timeout=60)

    def ask(self, path):
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: crowd\r\n\r\n".encode())

    def answer(self):
        answer = b""
        while not answer.endswith((b"quick", b"waited", b"0\r\n\r\n")):
            answer += self._socket.recv(4096)
        return answer.split()[1]

    def close(self):
        self._socket.close()


@pytest.fixture(scope="module", params=SERVERS.values(), ids=SERVERS)
def served(request, tmp_path_factory):
    with CrowdedSite(tmp_path_factory.mktemp("crowd")) as site:
        site.serve(*request.param)
        yield site


@pytest.fixture
def site(served):
    served.forget_reports()
    return served


@pytest.fixture
def new_client(site):
    made = []

    def connect(path=None):
        made.append(Client(site.port))
        if path:
            made[-1].ask(path)
        return made[-1]

    yield connect
    for client in made:
        client.close()


def test_clients_that_connect_during_a_stall_are_all_kept_out(site, new_client):
    site.block()
    crowd = [new_client("/quick/") for _ in range(CROWD)]
    site.go_on()
    assert [client.answer() for client in crowd] == [b"200"] * CROWD
    ((in_flight, kept_out, waited_ms, step_ms, routes),) = site.reports(1)
    assert (in_flight, kept_out, routes) == (0, CROWD, ["quick/"])
    assert 0.4 * step_ms * CROWD < waited_ms < step_ms * CROWD


def test_requests_on_open_connections_are_kept_out_too(site, new_client):
    crowd = [new_client("/quick/") for _ in range(CROWD)]
    assert [client.answer() for client in crowd] == [b"200"] * CROWD
    site.block()
    for client in crowd:
        client.ask("/quick/")
    site.go_on()
    assert [client.answer() for client in crowd] == [b"200"] * CROWD
    ((_, kept_out, *_),) = site.reports(1)
    assert kept_out == CROWD


def test_requests_in_flight_during_a_stall_are_not_among_those_kept_out(site, new_client):
    waiting = [new_client("/wait/") for _ in range(3)]
    site.block(beside=3)
    crowd = [new_client("/quick/") for _ in range(CROWD)]
    site.go_on()
    assert [client.answer() for client in crowd] == [b"200"] * CROWD
    ((in_flight, kept_out, *_),) = site.reports(1)  # which comes when the loop is idle again
    site.get("/release/")
    assert [client.answer() for client in waiting] == [b"200"] * 3
    assert (in_flight, kept_out) == (3, CROWD)


def test_requests_before_and_after_a_stall_are_not_kept_out(site, new_client):
    assert new_client("/quick/").answer() == b"200"
    site.block()
    site.go_on()
    site.reports(1)  # which come when the loop is idle again
    assert [new_client("/quick/").answer() for _ in range(CROWD)] == [b"200"] * CROWD
    site.block()
    site.go_on()
    assert [kept_out for _, kept_out, *_ in site.reports(2)] == [0, 0]
