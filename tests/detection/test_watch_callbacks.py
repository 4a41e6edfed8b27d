"""The callback of a ``watch()`` block gets every call before the block is left, and its errors do no harm."""

import asyncio
import math
import threading
import time

import pytest

from loopwatch import watch
from loopwatch.detection import callback_thread
from tests.recorder.calls import blocking_call

pytestmark = pytest.mark.real_time
THRESHOLD_MS = 20.0
STALL_S = 0.06


def block():
    time.sleep(STALL_S)


async def blocks_twice():
    block()
    await asyncio.sleep(0)
    block()


async def test_callbacks_have_run_when_the_block_is_left():
    told = []
    with watch(threshold_ms=THRESHOLD_MS, on_blocking_call=told.append) as watcher:
        await blocks_twice()
    assert told == watcher.calls
    assert len(told) == 2


async def test_callbacks_do_not_run_on_the_thread_of_the_loop():
    threads = []
    with watch(threshold_ms=THRESHOLD_MS, on_blocking_call=lambda _: threads.append(threading.get_ident())):
        block()
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("error", [RuntimeError("the callback is broken"), SystemExit(), asyncio.CancelledError()])
async def test_a_callback_that_raises_is_logged_once_and_called_again(caplog, error):
    told = []

    def fail(call):
        told.append(call)
        raise error

    with watch(threshold_ms=THRESHOLD_MS, on_blocking_call=fail) as watcher:
        await blocks_twice()
        await blocks_twice()
    assert told == watcher.calls
    assert len(told) >= 3
    assert len([record for record in caplog.records if record.exc_info]) == 1


async def test_a_slow_callback_delays_neither_the_loop_nor_another_block():
    begun, go_on = threading.Event(), threading.Event()

    def wait(_call):
        begun.set()
        assert go_on.wait(10)

    slow = watch(threshold_ms=THRESHOLD_MS, on_blocking_call=wait)
    slow.__enter__()
    with watch(threshold_ms=THRESHOLD_MS) as other:
        await blocks_twice()
    assert len(other.calls) == 2
    await asyncio.to_thread(begun.wait, 60)
    go_on.set()
    slow.__exit__(None, None, None)
    assert len(slow.calls) == 2


def test_what_a_slow_callback_was_not_told_is_counted_and_logged(monkeypatch, caplog):
    monkeypatch.setattr(callback_thread, "MAX_PENDING", 1)
    told, begun, go_on = [], threading.Event(), threading.Event()

    def wait(call):
        told.append(call)
        begun.set()
        assert go_on.wait(60)

    with watch(threshold_ms=math.inf, on_blocking_call=wait) as watcher:
        watcher.receive(blocking_call())
        assert begun.wait(60)
        for _ in range(3):
            watcher.receive(blocking_call())
        go_on.set()
    assert (len(watcher.calls), len(told), watcher.callbacks_dropped) == (4, 2, 2)
    assert "on_blocking_call 2" in caplog.text


async def test_a_callback_may_itself_watch():
    inner = []

    def nested(_call):
        async def main():
            with watch(threshold_ms=THRESHOLD_MS) as watcher:
                block()
            inner.extend(watcher.calls)

        asyncio.run(main())

    with watch(threshold_ms=THRESHOLD_MS, on_blocking_call=nested) as watcher:
        block()
    assert len(watcher.calls) == 1
    assert len(inner) == 1
