"""A step that stands at a debugger's prompt is nobody's blocking call."""

import os
import sys
import time
from subprocess import PIPE

import pytest

from tests.support.children import Child

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 20

DEBUGGED = """
import asyncio, time
from loopwatch import watch

async def view():
    breakpoint()
    print("resumed", flush=True)

async def main():
    with watch(threshold_ms={threshold_ms}) as watcher:
        await view()
        await asyncio.sleep(0)
        time.sleep(0.05)
    print("calls", [call.method_name for call in watcher.calls], watcher.disturbances, flush=True)

asyncio.run(main())
"""


def test_the_debuggers_prompt_is_not_reported_and_what_follows_is():
    with Child(
        [sys.executable, "-c", DEBUGGED.format(threshold_ms=THRESHOLD_MS)],
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, "PYTHONBREAKPOINT": "pdb.set_trace"},
    ) as child:
        _until_prompt(child)
        time.sleep(3 * THRESHOLD_MS / 1000)  # a person reads
        child.stdin.write("p 'a person thinks'\n")
        child.stdin.flush()
        _until_prompt(child)
        child.stdin.write("continue\n")
        child.stdin.flush()
        rest = child.stdout.read()
    assert "resumed" in rest
    assert "calls ['time.sleep'] []" in rest


def _until_prompt(child):
    seen = ""
    while not seen.endswith("(Pdb) "):
        character = child.stdout.read(1)
        assert character, seen
        seen += character
    return seen
