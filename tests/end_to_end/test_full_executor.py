"""A default executor whose threads are all busy, on uvicorn: the log says so, and the loop still serves others."""

import threading

import pytest

from testproject.demo.ports import LOOPBACK
from tests.support.site import Site
from tests.support.waiting import wait_until

SITE = "tests.end_to_end.full_executor_site"  # importing it would configure Django
FULL = (
    f"The default executor's 2 threads are still busy: 2 with {SITE}.render (GET reports/). 3 calls have been waiting"
)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_full_default_executor_is_logged_while_the_loop_serves_others(loop, tmp_path):
    with Site(tmp_path) as site:
        site.serve("uvicorn", f"{SITE}:application", "--host", LOOPBACK, "--port", "{port}", "--loop", loop)
        waiting = threading.Thread(target=site.get, args=("/reports/",))
        waiting.start()
        wait_until(lambda: FULL in site.log, otherwise=lambda: site.log)
        assert site.get("/") == "quick"
        assert site.get("/release/") == "released"
        waiting.join()
