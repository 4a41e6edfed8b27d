"""A probe is answered beside the loop: 503 while a call blocks it, even one that keeps the GIL, and 200 otherwise."""

import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from loopwatch.detection.cpython.known_versions import STACKS_READABLE
from testproject.demo.ports import LOOPBACK, any_free
from tests.support.site import Site
from tests.support.waiting import wait_until

UVICORN = ("uvicorn", "--host", LOOPBACK, "--port", "{port}", "--log-level", "warning")

HAS_LOOKOUT = sys.platform == "linux" and sys.version_info[:2] in STACKS_READABLE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the server is told to end by a signal")


@pytest.fixture
def port():
    return any_free()


@pytest.fixture
def serving(port, tmp_path):
    """Makes a site that is served while ``with`` lasts."""

    @contextmanager
    def serving(after_s):
        environment = {
            "DJANGO_SETTINGS_MODULE": "testproject.settings",
            "SITE_LIVENESS_PORT": str(port),
            "SITE_LIVENESS_FILE": str(tmp_path / "alive"),
            "SITE_LIVENESS_AFTER_S": str(after_s),
            "SITE_RELEASED": str(tmp_path / "released"),
        }
        with Site(tmp_path, **environment) as site:
            site.serve(*UVICORN, "tests.end_to_end.blocked_site:application")
            wait_until(lambda: probed(port)[0] == 200)
            yield site

    return serving


def test_a_probe_gets_503_exactly_while_the_loop_is_blocked(serving, port, tmp_path):
    with serving(after_s=0.1) as site, ThreadPoolExecutor(1) as executor:
        answered = executor.submit(site.get, "/block/")
        said = wait_until(lambda: (answer := probed(port))[0] == 503 and answer[1])
        assert (said["serving"], said["loops"]) == (False, 1)
        assert said["blocked_since"]
        assert said["worst_pause_ms"] >= 100
        assert not answered.done()
        (tmp_path / "released").touch()
        assert answered.result() == "well"
        wait_until(lambda: probed(port)[0] == 200)
        site.stop()
        assert probed(port) == (None, None)


@pytest.mark.skipif(not HAS_LOOKOUT, reason="the lookout needs Linux and Python 3.15")
@pytest.mark.parametrize(("after_s", "status"), [(0.1, 503), (3600, 200)])
def test_a_probe_is_answered_while_an_operator_keeps_the_gil(serving, port, tmp_path, after_s, status):
    with serving(after_s) as site, ThreadPoolExecutor(1) as executor:
        wait_until(lambda: site.get("/lookout/") == "in use")
        never_answered = executor.submit(site.get, "/raise/")
        said = wait_until(lambda: (answer := probed(port))[0] == status and has_blocked_for(answer[1], 100))
        assert (said["serving"], said["loops"]) == (status == 200, 1)
        assert said["blocked_since"]
        touched_at = (tmp_path / "alive").stat().st_mtime
        wait_until(lambda: has_blocked_for(probed(port)[1], said["worst_pause_ms"] + 3000))
        assert (tmp_path / "alive").stat().st_mtime == touched_at
        site.stop(signal.SIGKILL)
        with pytest.raises(OSError):
            never_answered.result()
        assert probed(port) == (None, None)


def has_blocked_for(said, at_least_ms):
    return said and said["blocked_since"] and said["worst_pause_ms"] >= at_least_ms and said


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
