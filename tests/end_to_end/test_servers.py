"""Every server: it serves the site, a stall is recorded, and everything is written before the process ends."""

import os
import signal
import sys

import pytest

from testproject.demo.ports import LOOPBACK
from tests.faults.site import ALL, Site
from tests.support.witness import Witness

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these servers are told to end by signals")

APPLICATION = "tests.faults.application:application"
UVICORN = ("uvicorn", APPLICATION, "--host", LOOPBACK, "--port", "{port}", "--log-level", "warning")
HYPERCORN = ("hypercorn", APPLICATION, "--bind", f"{LOOPBACK}:{{port}}")
GUNICORN = ("gunicorn", APPLICATION, "--bind", f"{LOOPBACK}:{{port}}", "--worker-class", "uvicorn_worker.UvicornWorker")
GRANIAN = ("granian", APPLICATION, "--interface", "asgi", "--host", LOOPBACK, "--port", "{port}")
RUNSERVER = ("django", "runserver", "--settings", "tests.end_to_end.runserver_settings", f"{LOOPBACK}:{{port}}")

COMMANDS = {
    "daphne": ("daphne", APPLICATION, "--bind", LOOPBACK, "--port", "{port}"),
    "uvicorn on asyncio": (*UVICORN, "--loop", "asyncio"),
    "uvicorn on uvloop": (*UVICORN, "--loop", "uvloop"),
    "uvicorn with two processes": (*UVICORN, "--workers", "2"),
    "hypercorn on asyncio": HYPERCORN,
    "hypercorn on uvloop": (*HYPERCORN, "--worker-class", "uvloop"),
    "gunicorn with uvicorn's workers": (*GUNICORN, "--workers", "2"),
    "granian on asyncio": (*GRANIAN, "--loop", "asyncio"),
    "granian on uvloop": (*GRANIAN, "--loop", "uvloop", "--workers", "2"),
    "granian without lifespan": (*GRANIAN, "--interface", "asginl"),
    "runserver": (*RUNSERVER, "--noreload"),
}
NEVER_BY_ITSELF = 60
# Not an error: uvicorn ends by the signal that it was sent.
CLEAN = (0, -signal.SIGTERM)


@pytest.fixture
def site(tmp_path):
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "site.sqlite3")}
    site = Site(tmp_path, database | {"OPTIONS": {"timeout": 30}}, FLUSH_INTERVAL_S=NEVER_BY_ITSELF)
    assert site.run("django", "migrate", "--verbosity", "0").wait(180) == 0, site.log
    yield site
    if site.process:
        site.process.kill()
        site.process.wait()


@pytest.fixture
def stall_until_seen(site, real_time):
    """A machine may keep the process from its CPUs; such a stall is not recorded."""

    def stall():
        for run in real_time.runs():
            with Witness(site.process.pid) as witness:
                site.stall(1)
            if "time.sleep blocked the event loop" in site.log:
                run.exact()
            elif witness.saw_disturbance:
                run.disturbed(str(witness))
            else:
                run.short("The stall is not in the log")
        site.stall(2)

    return stall


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_server_serves_records_and_writes_everything_before_it_ends(site, stall_until_seen, command):
    site.serve(*(part.format(port=site.port) for part in command))
    stall_until_seen()
    process = site.process
    site.stop()
    assert process.returncode in CLEAN, site.log
    assert "Traceback" not in site.log
    assert site.counted() >= 1, site.log
    assert written(site) == (everything(site), everything(site))


def test_the_development_server_with_its_reloader_ends_cleanly_with_ctrl_c(site, stall_until_seen):
    """Which a terminal sends to both of its processes."""
    site.serve(*(part.format(port=site.port) for part in RUNSERVER), in_group=True)
    stall_until_seen()
    os.killpg(site.process.pid, signal.SIGINT)
    assert site.process.wait(60) == 0, site.log
    assert "Traceback" not in site.log
    assert written(site) == (everything(site), everything(site))


def written(site):
    """What the processes said they saw, and stored."""
    return site._query("SELECT SUM(seen), SUM(stored) FROM loopwatch_processhealth")[0]


def everything(site):
    return site._query(ALL)[0][0]
