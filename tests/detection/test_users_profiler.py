"""A profile function of the user's own, written in Python, and the watchdog's samples share frames and harm nobody."""

import asyncio
import sys
import time

import pytest

from loopwatch import watch

pytestmark = pytest.mark.real_time

WITHIN_S = 3.0
STALLS = 40
STALL_S = 0.003


def identity(value):
    return value


def compute(number):
    """Python before 3.13 copies its variables back and forth around every call of a profile function."""
    same = also_same = number
    texts = []
    for _ in range(300):
        texts.append(len(str(identity(number))))  # noqa: PERF401 - calls in the function's own frame
    return same == also_same == number and len(texts) == 300


@pytest.mark.parametrize("engine", ["sampling", "tracing"])
async def test_variables_of_profiled_code_stay_as_they_are(engine):
    def profile(_frame, _event, _argument):
        pass

    right = []
    before = sys.getprofile()
    with watch(threshold_ms=1, engine=engine) as watcher:
        sys.setprofile(profile)
        try:
            deadline = time.monotonic() + WITHIN_S
            while len(watcher.calls) < STALLS and time.monotonic() < deadline:
                ends = time.monotonic() + STALL_S
                while time.monotonic() < ends:
                    right.append(compute(7))
                await asyncio.sleep(0)
        finally:
            sys.setprofile(before)
    assert all(right)
    assert watcher.calls
