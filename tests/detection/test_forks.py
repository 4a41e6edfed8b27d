"""A forked child watches nothing until it starts to, and the state of its parent does not prevent that."""

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from asyncio.events import Handle

import pytest

from loopwatch import watch
from loopwatch.detection import monitor

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="This platform forks no processes"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

THRESHOLD_MS = 20.0
NEVER_MS = 60_000.0
STALL_S = 0.05


async def blocks_once():
    time.sleep(STALL_S)


def in_forked_child(check):
    """The exit code of a forked child: 0 if ``check`` returned true in it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if check() else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def watches_anew():
    """Whether a new block sees the stall of a new loop, and leaves nothing behind."""
    reports = []

    def run():
        with watch(threshold_ms=THRESHOLD_MS) as watcher:
            asyncio.run(blocks_once())
        reports.extend(watcher.calls)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return len(reports) == 1 and not any(left.name.startswith("loopwatch") for left in threading.enumerate())


def test_a_child_forked_while_somebody_watches_has_no_hooks():
    bare, callbacks = Handle._run, list(gc.callbacks)
    with watch(threshold_ms=THRESHOLD_MS):
        assert in_forked_child(lambda: Handle._run is bare and gc.callbacks == callbacks) == 0


def test_a_child_forked_while_somebody_watches_can_watch_anew():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        assert in_forked_child(watches_anew) == 0
        asyncio.run(blocks_once())
    assert len(watcher.calls) == 1


async def test_a_child_forked_by_a_step_can_watch_anew():
    with watch(threshold_ms=THRESHOLD_MS):
        assert in_forked_child(watches_anew) == 0


def test_a_child_that_leaves_its_parents_block_does_not_hang():
    def leave():
        watcher.__exit__(None, None, None)
        return watcher.calls == []

    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        assert in_forked_child(leave) == 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="There is no lock before Python 3.12")
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
