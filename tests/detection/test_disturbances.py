"""What the machine does is no blocking call: it is told apart, or not at all."""

import os
import signal
import sys
import time
from subprocess import PIPE

import pytest

from tests.support.children import Child

TICKING = """
import asyncio, sys, time
from os.path import exists
from loopwatch import watch

async def main():
    with watch(threshold_ms={threshold_ms}) as watcher:
        print("begun", flush=True)
        while not exists(sys.argv[1]):  # its parent makes it, having suspended and woken this process
            {work}
            await asyncio.sleep(0)
    for call in watcher.calls:
        print("call", call.method_name, call.cause, round(call.step_ms), flush=True)
    for call in watcher.disturbances:
        print("disturbance", call.cause, flush=True)

asyncio.run(main())
"""

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="This platform suspends no processes"),
]


@pytest.fixture
def said_of_suspensions(tmp_path):
    """What a process says that has been suspended ``times`` times for ``suspended_s``."""

    def said(work, threshold_ms, suspended_s, times):
        done = tmp_path / "done"
        script = TICKING.format(work=work, threshold_ms=threshold_ms)
        command = [sys.executable, "-c", script, str(done)]
        with Child(command, stdout=PIPE) as child:
            assert child.stdout.readline() == "begun\n"
            for _ in range(times):
                os.kill(child.pid, signal.SIGSTOP)
                os.waitpid(child.pid, os.WUNTRACED)
                time.sleep(suspended_s)
                os.kill(child.pid, signal.SIGCONT)
                time.sleep(0.05)
            done.touch()
            return child.stdout.read().splitlines()

    return said


@pytest.mark.parametrize(
    "work",
    ["time.sleep(0.01)", "sum(range(100_000))", "await asyncio.sleep(0.01)", "sorted(range(100_000))"],
)
def test_a_process_that_was_suspended_has_made_no_blocking_call(said_of_suspensions, work):
    said = said_of_suspensions(work, threshold_ms=100, suspended_s=0.3, times=3)
    assert set(said) <= {"disturbance suspended", "disturbance starved"}


@pytest.mark.parametrize("work", ["time.sleep(0.001)", "time.sleep(0.01)", "sum(range(100_000))"])
def test_a_process_suspended_for_hardly_longer_than_the_threshold_has_made_no_blocking_call(said_of_suspensions, work):
    """As virtual machines do whose host is busy."""
    said = said_of_suspensions(work, threshold_ms=40, suspended_s=0.045, times=10)
    assert set(said) <= {"disturbance suspended", "disturbance starved"}


def test_a_suspended_step_is_told_as_suspended(said_of_suspensions):
    """The suspension certainly strikes a step, because there is hardly anything between the steps."""
    said = said_of_suspensions("time.sleep(0.02)", threshold_ms=100, suspended_s=0.3, times=5)
    assert "disturbance suspended" in said
