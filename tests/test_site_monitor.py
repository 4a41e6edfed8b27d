"""The monitor of a process, and of a child forked from a process that is watched."""

import os
import sys

import pytest

from tests.support.children import run

FORKING = """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads forks
from django.conf import settings
settings.configure(INSTALLED_APPS=["loopwatch"], SECRET_KEY="x", DATABASES={}, LOOPWATCH={"SINKS": ["log"]})
import django; django.setup()
import loopwatch
from loopwatch import site_monitor

async def watch():
    assert site_monitor.watch_running_loop() is not None
    assert loopwatch.stats().loops == 1

asyncio.run(watch())
site_monitor._monitor._lock.acquire()
child = os.fork()
if child == 0:  # the lock stays held, as if a thread of the parent had it
    assert loopwatch.stats().loops == 0
    IN_CHILD
    sys.exit(0)
site_monitor._monitor._lock.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert loopwatch.stats().loops == 1
assert site_monitor.stop()
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork here")


@pytest.mark.parametrize("in_child", ["pass", "asyncio.run(watch())"])
def test_a_forked_child_has_its_own_monitor_even_if_the_parents_is_locked(in_child):
    ran = run([sys.executable, "-c", FORKING.replace("IN_CHILD", in_child)], within_s=60)
    assert ran.returncode == 0, ran.stderr
