"""What the machine does is no blocking call: it is told apart, or not at all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUSPENDED_S = 0.3

TICKING = """
import asyncio, sys, time
from loopwatch import watch

async def main():
    with watch(threshold_ms=100) as watcher:
        print("begun", flush=True)
        while not done():
            {work}
            await asyncio.sleep(0)
    for call in watcher.calls:
        print("call", call.method_name, call.cause, round(call.step_ms), flush=True)
    for call in watcher.disturbances:
        print("disturbance", call.cause, flush=True)

until = []
def done():
    # Told by its parent, through a file, that it has been suspended and woken.
    from os.path import exists
    return exists(sys.argv[1])

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="This platform suspends no processes")
@pytest.mark.parametrize(
    "work",
    ["time.sleep(0.01)", "sum(range(100_000))", "await asyncio.sleep(0.01)", "sorted(range(100_000))"],
)
def test_a_process_that_was_suspended_has_made_no_blocking_call(tmp_path, work):
    done = tmp_path / "done"
    child = subprocess.Popen(
        [sys.executable, "-c", TICKING.format(work=work), str(done)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    with child:
        assert child.stdout.readline() == "begun\n"
        for _ in range(3):
            os.kill(child.pid, signal.SIGSTOP)
            os.waitpid(child.pid, os.WUNTRACED)
            time.sleep(SUSPENDED_S)
            os.kill(child.pid, signal.SIGCONT)
            time.sleep(0.05)
        done.touch()
        lines = child.stdout.read().splitlines()
    assert [line for line in lines if line.startswith("call")] == []
    assert {line for line in lines if line.startswith("disturbance")} <= {
        "disturbance suspended",
        "disturbance starved",
    }


def test_a_suspended_step_is_told_as_suspended(tmp_path):
    """The suspension certainly strikes a step, because there is hardly anything between the steps."""
    done = tmp_path / "done"
    child = subprocess.Popen(
        [sys.executable, "-c", TICKING.format(work="time.sleep(0.02)"), str(done)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    with child:
        assert child.stdout.readline() == "begun\n"
        for _ in range(5):
            os.kill(child.pid, signal.SIGSTOP)
            os.waitpid(child.pid, os.WUNTRACED)
            time.sleep(SUSPENDED_S)
            os.kill(child.pid, signal.SIGCONT)
            time.sleep(0.05)
        done.touch()
        lines = child.stdout.read().splitlines()
    assert "disturbance suspended" in lines
