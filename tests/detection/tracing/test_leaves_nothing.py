"""After the last watcher has left, nothing of the tracer is left."""

import asyncio
import gc
import os
import signal
import sys
import threading
import time
import weakref

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


async def blocks_once():
    time.sleep(STALL_S)


async def test_nothing_is_left_of_a_block():
    with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
        await blocks_once()
    assert "time.sleep" in [call.method_name for call in watcher.calls]


def test_nothing_is_left_of_a_block_around_loops():
    with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
        for _ in range(3):
            asyncio.run(blocks_once())
    assert [call.method_name for call in watcher.calls].count("time.sleep") == 3


async def test_nothing_is_left_when_the_block_raises():
    with pytest.raises(ZeroDivisionError), watch(threshold_ms=THRESHOLD_MS, engine="tracing"):
        _ = 1 / 0


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


async def test_hundreds_of_blocks_leak_nothing():
    async def watch_once():
        with watch(threshold_ms=NEVER_MS, engine="tracing"):
            await asyncio.sleep(0)

    for _ in range(20):
        await watch_once()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(300):
        await watch_once()
    gc.collect()
    assert len(gc.get_objects()) - before < 200


class Payload:
    """Something a step refers to."""

    def block(self):
        time.sleep(STALL_S)


def hold(payload):
    payload.block()


async def test_objects_that_a_stall_refers_to_are_released():
    gc.collect()
    gc.disable()
    try:
        with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
            payload = Payload()
            reference = weakref.ref(payload)
            asyncio.get_running_loop().call_soon(hold, payload)
            del payload
            await asyncio.sleep(0)
            await asyncio.to_thread(monitor.settle, 60)
            assert reference() is None
    finally:
        gc.enable()
    assert "time.sleep" in [call.method_name for call in watcher.calls]


def test_a_closed_loop_is_released():
    with watch(threshold_ms=THRESHOLD_MS, engine="tracing") as watcher:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(blocks_once())
        loop.close()
    assert "time.sleep" in [call.method_name for call in watcher.calls]
    reference = weakref.ref(loop)
    del loop
    gc.collect()
    assert reference() is None


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
