"""Every server: it serves the site, a stall is recorded, and everything is written before the process ends."""

import os
import signal
import sys

import pytest

from testproject.demo.ports import LOOPBACK
from tests.faults.site import ALL, StallingSite
from tests.support.real_time import account_of
from tests.support.site import copy_sqlite

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these servers are told to end by signals")

APPLICATION = "tests.faults.application:application"
UVICORN = ("uvicorn", APPLICATION, "--host", LOOPBACK, "--port", "{port}", "--log-level", "warning")
HYPERCORN = ("hypercorn", APPLICATION, "--bind", f"{LOOPBACK}:{{port}}")
GUNICORN = ("gunicorn", APPLICATION, "--bind", f"{LOOPBACK}:{{port}}", "--worker-class", "uvicorn_worker.UvicornWorker")
GRANIAN = ("granian", APPLICATION, "--interface", "asgi", "--host", LOOPBACK, "--port", "{port}")
GRANIAN_WITH_TWO = (*GRANIAN, "--loop", "uvloop", "--workers", "2")
RUNSERVER = ("django", "runserver", "--settings", "tests.end_to_end.runserver_settings", f"{LOOPBACK}:{{port}}")

COMMANDS = {
    "daphne": ("daphne", APPLICATION, "--bind", LOOPBACK, "--port", "{port}"),
    "uvicorn on asyncio": (*UVICORN, "--loop", "asyncio"),
    "uvicorn on uvloop": (*UVICORN, "--loop", "uvloop"),
    # A process that answers uvicorn too late is killed.
    "uvicorn with two processes": (*UVICORN, "--workers", "2", "--timeout-worker-healthcheck", "600"),
    "hypercorn on asyncio": HYPERCORN,
    "hypercorn on uvloop": (*HYPERCORN, "--worker-class", "uvloop"),
    "gunicorn with uvicorn's workers": (*GUNICORN, "--workers", "2"),
    "granian on asyncio": (*GRANIAN, "--loop", "asyncio"),
    "granian on uvloop": GRANIAN_WITH_TWO,
    "granian without lifespan": (*GRANIAN, "--interface", "asginl"),
    "runserver": (*RUNSERVER, "--noreload"),
}
NEVER_BY_ITSELF = 60
# Not an error: uvicorn ends by the signal that it was sent.
CLEAN = (0, -signal.SIGTERM)


@pytest.fixture
def site(request, tmp_path, migrated):
    database = copy_sqlite(migrated, tmp_path / "site.sqlite3") | {"OPTIONS": {"timeout": 30}}
    with StallingSite(tmp_path, account_of(request), database, FLUSH_INTERVAL_S=NEVER_BY_ITSELF) as site:
        yield site


@pytest.mark.real_stall
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_server_serves_records_and_writes_everything_before_it_ends(site, command):
    site.serve(*command)
    if command == GRANIAN_WITH_TWO:
        site.wait_until_logged("Started worker-2")  # one that is told to end before then never does
    site.stall(3)
    assert site.stop() in CLEAN, site.log
    assert "Traceback" not in site.log
    assert site.counted() == site.detected >= 3, site.log
    assert written(site) == (everything(site), everything(site))


@pytest.mark.real_stall
@pytest.mark.parametrize("command", [HYPERCORN, UVICORN], ids=["hypercorn", "uvicorn"])
def test_a_server_writes_everything_if_all_its_processes_are_told_to_end_at_once(site, command):
    """As systemd does by default (``KillMode=control-group``). Hypercorn's workers leave the signal alone."""
    site.serve(*command)
    site.stall(3)
    os.killpg(site.server.pid, signal.SIGTERM)
    assert site.server.wait(60) in CLEAN, site.log
    assert "Traceback" not in site.log
    assert site.counted() == site.detected >= 3, site.log
    assert written(site) == (everything(site), everything(site))


@pytest.mark.real_time
def test_the_development_server_with_its_reloader_ends_cleanly_with_ctrl_c(site):
    """A terminal sends SIGINT to both of its processes.

    The reloader kills the other one after a quarter of a second: it waits in ``subprocess.run``
    (https://github.com/python/cpython/blob/v3.13.0/Lib/subprocess.py#L892).
    """
    site.serve(*RUNSERVER)
    site.stall(3)
    os.killpg(site.server.pid, signal.SIGINT)
    assert site.server.wait(60) == 0, site.log
    assert "Traceback" not in site.log
    assert written(site) == (everything(site), everything(site))


def written(site):
    """What the processes said they saw, and stored."""
    return site.query("SELECT SUM(seen), SUM(stored) FROM loopwatch_processhealth")[0]


def everything(site):
    return site.query(ALL)[0][0]
