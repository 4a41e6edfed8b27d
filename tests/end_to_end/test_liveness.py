"""A probe is answered beside the loop: 503 while a call blocks it, and 200 before and afterwards."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from testproject.demo.ports import LOOPBACK, any_free
from tests.support.site import Site
from tests.support.waiting import wait_until

UVICORN = ("uvicorn", "--host", LOOPBACK, "--port", "{port}", "--log-level", "warning")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the server is told to end by a signal")


def test_a_probe_gets_503_exactly_while_the_loop_is_blocked(tmp_path):
    port, released = any_free(), tmp_path / "released"
    environment = {"SITE_LIVENESS_PORT": str(port), "SITE_RELEASED": str(released)}
    environment["DJANGO_SETTINGS_MODULE"] = "testproject.settings"
    with Site(tmp_path, **environment) as site, ThreadPoolExecutor(1) as executor:
        site.serve(*UVICORN, "tests.end_to_end.blocked_site:application")
        wait_until(lambda: probed(port)[0] == 200)
        answered = executor.submit(site.get, "/block/")
        said = wait_until(lambda: (answer := probed(port))[0] == 503 and answer[1])
        assert (said["serving"], said["loops"]) == (False, 1)
        assert said["blocked_since"]
        assert said["worst_pause_ms"] >= 100
        assert not answered.done()
        released.touch()
        assert answered.result() == "well"
        wait_until(lambda: probed(port)[0] == 200)
        site.stop()
        assert probed(port) == (None, None)


def probed(port):
    """The answer to a probe: none comes before the port is open, and to a client that takes too long to ask."""
    try:
        with build_opener(ProxyHandler({})).open(f"http://{LOOPBACK}:{port}/", timeout=60) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)
    except OSError:
        return None, None
