"""Two requests at once on one connection: the second one is a request of its own, although the first is not over.

The server starts it as soon as the first has been answered, in the context of the first.
"""

import socket
import sys

import pytest

from testproject.demo.ports import LOOPBACK
from tests.support.site import Site

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these servers are stopped by signals")

APPLICATION = "tests.end_to_end.pipelined_site:application"
SERVERS = {
    "daphne": ("daphne", APPLICATION, "--bind", LOOPBACK, "--port", "{port}"),
    "uvicorn": ("uvicorn", APPLICATION, "--host", LOOPBACK, "--port", "{port}", "--log-level", "warning"),
}
BOTH = b"GET /first/ HTTP/1.1\r\nHost: site\r\n\r\nPOST / HTTP/1.1\r\nHost: site\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS)
def test_a_request_that_a_server_starts_in_the_context_of_another_is_its_own(command, tmp_path):
    with Site(tmp_path) as site:
        site.serve(*command)
        with socket.create_connection((LOOPBACK, site.port), timeout=60) as client:
            client.sendall(BOTH)
            answers = b""
            while answers.count(b"in flight") < 2:
                answers += client.recv(4096)
        assert b"GET, 1 in flight" in answers
        assert b"POST, 2 in flight" in answers
