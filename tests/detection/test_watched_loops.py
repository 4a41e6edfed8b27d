"""A ``watch()`` block sees the loops of its thread, or of every thread, and the steps inside a step."""

import asyncio
import sys
import threading
import time

import pytest
from asgiref.sync import async_to_sync

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.timing import watched_loops
from tests.support import children

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 20.0
STALL_S = 0.06
STALL_MS = STALL_S * 1000


def block():
    time.sleep(STALL_S)


async def blocks_once():
    block()


async def blocks_twice():
    block()
    await asyncio.sleep(0)
    block()


def names(watcher):
    return [call.method_name for call in watcher.calls]


def test_around_asyncio_run_it_sees_the_first_and_the_last_step():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        asyncio.run(blocks_twice())
    assert names(watcher) == ["time.sleep"] * 2


def test_around_two_loops_in_a_row_it_sees_both():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        asyncio.run(blocks_once())
        block()  # no loop runs, so nothing waits
        asyncio.run(blocks_once())
    assert names(watcher) == ["time.sleep"] * 2


def test_around_a_loop_of_another_thread_it_sees_nothing():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        thread = threading.Thread(target=asyncio.run, args=[blocks_once()])
        thread.start()
        thread.join()
    assert watcher.calls == []


def in_another_thread(main):
    thread = threading.Thread(target=asyncio.run, args=[main])
    thread.start()
    thread.join()


def test_around_loops_of_every_thread_it_sees_them_all():
    with watch(threshold_ms=THRESHOLD_MS, every_thread=True) as watcher:
        in_another_thread(blocks_once())
        asyncio.run(blocks_twice())
    assert names(watcher) == ["time.sleep"] * 3


async def test_inside_a_loop_it_may_watch_every_thread_too():
    with watch(threshold_ms=THRESHOLD_MS, every_thread=True) as watcher:
        await asyncio.to_thread(asyncio.run, blocks_once())
        await blocks_once()
        await asyncio.sleep(0)
    assert names(watcher) == ["time.sleep"] * 2


def test_blocks_for_one_thread_and_for_every_thread_do_not_mix():
    with watch(threshold_ms=THRESHOLD_MS) as one, watch(threshold_ms=THRESHOLD_MS, every_thread=True) as every:
        in_another_thread(blocks_once())
        asyncio.run(blocks_once())
    assert (len(one.calls), len(every.calls)) == (1, 2)


def test_a_loop_that_others_watch_is_seen_from_the_next_step_on():
    with (
        watch(threshold_ms=THRESHOLD_MS, every_thread=True),
        watch(threshold_ms=THRESHOLD_MS, every_thread=True) as late,
    ):
        in_another_thread(blocks_once())
    assert names(late) == ["time.sleep"]


def test_loops_in_two_threads_do_not_mix():
    both_run = threading.Barrier(2)
    watchers = {}

    async def main(name, stalls):
        with watch(threshold_ms=THRESHOLD_MS) as watchers[name]:
            await asyncio.to_thread(both_run.wait, 60)
            for _ in range(stalls):
                block()
                await asyncio.sleep(0)
            await asyncio.to_thread(both_run.wait, 60)

    threads = [
        threading.Thread(target=lambda name=name, stalls=stalls: asyncio.run(main(name, stalls)))
        for name, stalls in (("one", 1), ("four", 4))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(watchers["one"].calls) == 1
    assert len(watchers["four"].calls) == 4


async def test_a_loop_inside_a_step_of_another_loop_is_not_mixed_up_with_it():
    def run_another_loop():
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_until_complete, args=[blocks_once()])
        thread.start()
        thread.join()
        loop.close()

    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        run_another_loop()
    assert names(watcher) == ["threading.Thread.join"]


IMPORTS_UVLOOP_LATE = """
import asyncio, sys
import loopwatch

async def main():
    asyncio.current_task().set_name("late")
    await asyncio.sleep(0)

with loopwatch.watch(threshold_ms=0) as watcher:
    import uvloop
    uvloop.run(main())
print(*{call.task_name for call in [*watcher.calls, *watcher.disturbances]})
"""


def test_a_uvloop_that_is_imported_within_the_block_is_watched():
    pytest.importorskip("uvloop")
    ran = children.run([sys.executable, "-c", IMPORTS_UVLOOP_LATE], check=True)
    assert "late" in ran.stdout


def test_a_broken_uvloop_keeps_no_loop_from_being_watched(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)  # importing it raises
    watched_loops._uvloops.cache_clear()
    with watch(threshold_ms=0) as watcher:
        asyncio.run(asyncio.sleep(0))
    watched_loops._uvloops.cache_clear()
    assert watcher.calls + watcher.disturbances


# Loops of a callback


async def pass_on():
    asyncio.current_task().set_name("pass on")
    block()
    await asyncio.sleep(0)


@pytest.mark.parametrize("run", [lambda: asyncio.run(pass_on()), async_to_sync(pass_on)], ids=["asyncio", "asgiref"])
def test_the_loop_that_a_callback_runs_does_not_call_it_again(run):
    tasks = []

    def callback(call):
        tasks.append(call.task_name)
        run()

    with watch(threshold_ms=THRESHOLD_MS, every_thread=True, on_blocking_call=callback):
        asyncio.run(blocks_twice())
    assert len(tasks) == 2
    assert "pass on" not in tasks


def test_the_loop_that_a_callback_runs_on_its_thread_is_not_watched():
    async def look(_call):
        are_watched.append(asyncio.get_running_loop() in monitor._monitor._hooks.watched)

    are_watched = []
    with watch(threshold_ms=THRESHOLD_MS, every_thread=True, on_blocking_call=lambda call: asyncio.run(look(call))):
        asyncio.run(blocks_twice())
    assert are_watched == [False, False]


# Steps inside a step


def run_inside(coroutine):
    """Run a coroutine to its end within the running step, as nest_asyncio makes possible."""
    loop, outer = asyncio.get_running_loop(), asyncio.current_task()
    asyncio.tasks._leave_task(loop, outer)
    try:
        task = loop.create_task(coroutine)
        while not task.done():
            loop._run_once()
    finally:
        asyncio.tasks._enter_task(loop, outer)
    return task.result()


async def test_a_stall_inside_a_step_and_what_follows_it_in_that_step_are_both_reported():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        await asyncio.sleep(0)
        run_inside(blocks_twice())
        block()
        await asyncio.sleep(0)
        block()
    assert [call.function.rpartition(".")[2] for call in watcher.calls] == ["block"] * 4
    assert all(call.step_ms < 2 * STALL_MS for call in watcher.calls)


async def test_a_loop_that_rests_after_a_step_inside_a_step_is_not_blocked():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        await asyncio.sleep(0)
        run_inside(asyncio.sleep(0))
        await asyncio.sleep(4 * STALL_S)
        run_inside(asyncio.sleep(4 * STALL_S))
    assert watcher.calls == []
