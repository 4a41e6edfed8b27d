"""The processes of programs, as they are stored and as they run."""

import os
import signal
import sys

import pytest

from loopwatch.models import BlockingEvent, ProcessHealth
from tests.programs.bot import around_a_loop
from tests.support.children import Child, run
from tests.support.waiting import wait_until


@pytest.mark.real_stall
def test_the_blocks_of_a_process_are_stored_under_their_names_and_it_is_one_process(settings, database):
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": ["database"]}
    for _ in range(2):
        around_a_loop()
    stored = BlockingEvent.objects.filter(finding__blocking_call="time.sleep")
    assert [(each.request_kind, each.method, each.route) for each in stored] == [("program", "", "bot")] * 2
    assert [each.stored for each in ProcessHealth.objects.all()] == [BlockingEvent.objects.count()]


PROGRAM = """
import asyncio, os, sys, time
from django.conf import settings
import loopwatch

def report(call):
    print("stalled", os.getpid(), call.request.route, flush=True)

async def main():
    time.sleep(0.1)
    await asyncio.sleep(0)
"""
SET_UP = """
settings.configure(
    INSTALLED_APPS=["loopwatch"], SECRET_KEY="x", DATABASES={},
    LOOPWATCH={"SINKS": [], "ON_BLOCKING_CALL": report, "ONGOING_AFTER_S": 3600},
)
import django; django.setup()
"""


@pytest.mark.parametrize("set_up", ["", "settings.configure(INSTALLED_APPS=['loopwatch'])"])
def test_a_program_that_has_not_set_django_up_is_told_so_and_runs(set_up):
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    run_in_block = "\nwith loopwatch.recording(name='bot'):\n    asyncio.run(main())\nprint('over')\n"
    done = run([sys.executable, "-c", PROGRAM + set_up + run_in_block], env=environment)
    assert done.stdout == "over\n"
    assert "django.setup()" in done.stderr
    assert "Traceback" not in done.stderr


FORKING = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads forks
with loopwatch.recording(name="bot"):
    asyncio.run(main())
    child = os.fork()
    asyncio.run(main())
if child == 0:
    assert loopwatch.stats().loops == 0
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
with loopwatch.recording(name="after"):
    asyncio.run(main())
"""


@pytest.mark.real_stall
@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork here")
def test_a_child_that_is_forked_in_a_block_is_recorded_too():
    done = run([sys.executable, "-c", PROGRAM + SET_UP + FORKING])
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert sorted(name for _, _, name in lines) == ["after", "bot", "bot", "bot"]
    assert len({process for _, process, _ in lines}) == 2


ENDLESS = """
async def endless():
    time.sleep(0.1)
    print("hanging", flush=True)
    time.sleep(600)

with loopwatch.recording(name="bot"):
    asyncio.run(endless())
"""


@pytest.mark.real_stall
@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGTERM here")
def test_a_program_that_sigterm_ends_reports_even_the_stall_that_goes_on(tmp_path):
    with Child([sys.executable, "-c", PROGRAM + SET_UP + ENDLESS], log=tmp_path / "log") as child:
        wait_until(lambda: "hanging" in child.output(), otherwise=child.output)
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == -signal.SIGTERM
        assert f"stalled {child.pid} bot" in child.output()
        assert "Traceback" not in child.output()
