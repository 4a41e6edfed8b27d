"""After the last watcher has left, nothing of the tracer is left."""

import asyncio
import os
import signal
import sys
import threading
import time

import pytest

from loopwatch import watch
from loopwatch.detection import monitor

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 20.0
STALL_S = 0.05
NEVER_MS = 60_000.0


def tools():
    return [sys.monitoring.get_tool(tool) for tool in range(6)] if sys.version_info >= (3, 12) else []


@pytest.fixture(autouse=True)
def nothing_is_left():
    profile, before = sys.getprofile(), tools()
    yield
    assert sys.getprofile() is profile
    assert tools() == before


def test_a_block_left_by_another_thread_leaves_nothing_in_the_loops():
    watcher = watch(threshold_ms=THRESHOLD_MS, engine="tracing")
    profiles = []

    async def main():
        watcher.__enter__()
        await asyncio.sleep(0)
        await asyncio.to_thread(watcher.__exit__, None, None, None)
        await asyncio.sleep(0)
        profiles.append(sys.getprofile())

    thread = threading.Thread(target=asyncio.run, args=[main()])
    thread.start()
    thread.join()
    assert profiles == [None]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="There is no lock before Python 3.12")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="This platform forks no processes")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_a_child_forked_while_another_thread_holds_the_tracers_lock_starts():
    is_held, is_forked = threading.Event(), threading.Event()

    def hold_lock():
        with monitor._monitor._tracing._tracer._lock:
            is_held.set()
            is_forked.wait()

    with watch(threshold_ms=NEVER_MS, engine="tracing"):
        thread = threading.Thread(target=hold_lock)
        thread.start()
        is_held.wait()
        child = os.fork()
        if child == 0:
            os._exit(0)
        is_forked.set()
        thread.join()
        give_up_at = time.monotonic() + 5.0
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < give_up_at:
            await asyncio.sleep(0.01)
        if ended == (0, 0):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    assert ended == (child, 0)
