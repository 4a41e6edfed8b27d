"""The interpreter and the parser agree on the place of a call."""

import asyncio
import importlib.util
import linecache

import pytest

from loopwatch import watch
from loopwatch.advice import advice_for, rewritten

pytestmark = pytest.mark.real_time

MODULE = """\
import subprocess, sys, time
from time import sleep

python, PROGRAM = sys.executable, "import time; time.sleep(0.3)"

async def sleeps():
    naïve = "é"; time.sleep(0.2)

async def sleeps_by_name():
    [sleep(0.2) for _ in range(1)]

async def over_lines():
    time.sleep(
        0.1 +
        0.1
    )

async def takes_an_attribute():
    return subprocess.run([python, '-c', PROGRAM]).returncode

def helper():
    time.sleep(0.2)

async def calls_a_helper():
    helper()
"""


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "stalling.py"
    path.write_text(MODULE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("stalling", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    yield loaded
    linecache.clearcache()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sleeps", 'naïve = "é"; await asyncio.sleep(0.2)'),
        ("sleeps_by_name", "[await asyncio.sleep(0.2) for _ in range(1)]"),
        ("over_lines", "await asyncio.sleep(0.1 +\n        0.1)"),
        (
            "takes_an_attribute",
            "return (await asyncio.to_thread(subprocess.run, [python, '-c', PROGRAM])).returncode",
        ),
        ("calls_a_helper", None),
    ],
)
def test_a_call_that_blocked_is_found_and_rewritten(module, name, expected):
    with watch(threshold_ms=40) as watcher:
        asyncio.run(getattr(module, name)())
    (call,) = [call for call in watcher.calls if call.filename == module.__file__]
    frame = next(frame for frame in reversed(call.stack) if frame.filename == call.filename)
    advice = advice_for(call.method_name, cause="waiting", called_name=call.called_name)
    found = rewritten(MODULE.split("\n"), frame, called_name=call.called_name, advice=advice)
    assert (found and found.text) == expected
