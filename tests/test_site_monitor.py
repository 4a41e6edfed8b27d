"""The monitor of a process, and of a child forked from a process that is watched."""

import os
import sys

import pytest

from loopwatch import site_monitor
from loopwatch.open_programs import OpenProgram
from loopwatch.recorder.health import Stats
from loopwatch.site_monitor import SiteMonitor
from tests.support.children import run

FORKING = """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads forks
from django.conf import settings
watched = {"SINKS": ["log"], "LIVENESS_FILE": os.devnull}
settings.configure(INSTALLED_APPS=["loopwatch"], SECRET_KEY="x", DATABASES={}, LOOPWATCH=watched)
import django; django.setup()
import loopwatch
from loopwatch import site_monitor

async def watch():
    assert site_monitor.watch_running_loop() is not None
    assert loopwatch.stats().loops == 1

asyncio.run(watch())
sign_of_life = site_monitor._monitor._sign_of_life
site_monitor._monitor._lock.acquire()
child = os.fork()
if child == 0:  # the lock stays held, as if a thread of the parent had it
    assert loopwatch.stats().loops == 0
    assert sign_of_life._woken.fileno() == -1  # nor are the sockets that answer probes its own
    IN_CHILD
    sys.exit(0)
site_monitor._monitor._lock.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert loopwatch.stats().loops == 1
assert site_monitor.stop(60)
"""

imports = []

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork here")


@pytest.mark.parametrize("in_child", ["pass", "asyncio.run(watch())"])
def test_a_forked_child_has_its_own_monitor_even_if_the_parents_is_locked(in_child):
    ran = run([sys.executable, "-c", FORKING.replace("IN_CHILD", in_child)])
    assert ran.returncode == 0, ran.stderr


class Stuck:
    """A recorder whose database does not answer."""

    def flush(self, timeout_s):
        return False

    def stats(self):
        return Stats(pending=3, last_error="database is locked")


def test_a_block_that_leaves_stalls_to_the_blocks_around_it_says_so_once(caplog):
    blocks = [OpenProgram.here("bot") for _ in range(3)]
    monitor = SiteMonitor()
    monitor._recorder = Stuck()
    for block in blocks:
        monitor.programs.add(block)
    assert [monitor.leave(block, 0.0) for block in blocks[:2]] == [False, False]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("3 stalls were not written within 0 s (database is locked).")


async def test_a_module_that_the_settings_name_and_that_fails_is_not_imported_for_every_request(
    settings, tmp_path, monkeypatch
):
    (tmp_path / "failing_alerts.py").write_text(
        "import tests.test_site_monitor as test; test.imports.append(1); raise LookupError"
    )
    monkeypatch.syspath_prepend(tmp_path)
    imports.clear()
    settings.LOOPWATCH = {"ON_BLOCKING_CALL": "failing_alerts.alert"}
    assert [site_monitor.watch_running_loop() for _ in range(3)] == [None] * 3
    assert len(imports) == 1
    settings.LOOPWATCH = {"SINKS": []}
    assert site_monitor.watch_running_loop() is not None
    assert site_monitor.stop(60)
