"""When watching ends, no hook, thread, tracer tool or reference is left."""

import asyncio
import gc
import sys
import threading
import time
import weakref
from asyncio.events import Handle

import pytest

from loopwatch import watch
from loopwatch.detection import monitor

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 20.0
NEVER_MS = 60_000.0
"""A report leaves names and lines behind, in bounded caches."""
STALL_S = 0.05
by_both_engines = pytest.mark.parametrize("engine", ["sampling", "tracing"])


async def blocks_once():
    time.sleep(STALL_S)


def sleeps(watcher):
    return [call.method_name for call in watcher.calls].count("time.sleep")


def tools():
    return [sys.monitoring.get_tool(tool) for tool in range(6)] if sys.version_info >= (3, 12) else []


def own_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("loopwatch")]


@pytest.fixture(autouse=True)
def nothing_is_left():
    run, callbacks, profile, before = Handle._run, list(gc.callbacks), sys.getprofile(), tools()
    assert own_threads() == []
    yield
    assert own_threads() == []
    assert tools() == before
    assert Handle._run is run
    assert gc.callbacks == callbacks
    assert sys.getprofile() is profile


@by_both_engines
async def test_nothing_is_left_of_a_block(engine):
    with watch(threshold_ms=THRESHOLD_MS, engine=engine) as watcher:
        await blocks_once()
    assert sleeps(watcher) == 1


@by_both_engines
async def test_nothing_is_left_of_a_block_left_by_an_exception(engine):
    with pytest.raises(ZeroDivisionError), watch(threshold_ms=THRESHOLD_MS, engine=engine):
        _ = 1 / 0


@by_both_engines
def test_nothing_is_left_of_a_block_around_loops(engine):
    with watch(threshold_ms=THRESHOLD_MS, engine=engine) as watcher:
        for _ in range(3):
            asyncio.run(blocks_once())
    assert sleeps(watcher) == 3


def test_nothing_is_left_of_a_block_around_the_loops_of_every_thread():
    with watch(threshold_ms=THRESHOLD_MS, every_thread=True) as watcher:
        thread = threading.Thread(target=asyncio.run, args=[blocks_once()])
        thread.start()
        thread.join()
    assert len(watcher.calls) == 1


def test_nothing_is_left_of_a_block_in_which_no_loop_ran():
    with watch(threshold_ms=THRESHOLD_MS):
        pass


def test_nothing_is_left_of_a_block_whose_loop_was_closed_inside_it():
    watcher = watch(threshold_ms=THRESHOLD_MS)

    async def main():
        watcher.__enter__()
        await blocks_once()

    asyncio.run(main())
    watcher.__exit__(None, None, None)
    assert len(watcher.calls) == 1


@by_both_engines
def test_nothing_is_left_in_a_loop_of_a_block_left_by_another_thread(engine):
    watcher = watch(threshold_ms=THRESHOLD_MS, engine=engine)
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


async def test_the_hooks_stay_until_the_last_of_several_blocks_is_left():
    bare = Handle._run
    with watch(threshold_ms=THRESHOLD_MS):
        with watch(threshold_ms=THRESHOLD_MS):
            pass
        assert Handle._run is not bare
        assert own_threads() == ["loopwatch-watchdog"]


async def test_disabled_it_installs_nothing():
    bare, callbacks = Handle._run, list(gc.callbacks)
    with watch(threshold_ms=THRESHOLD_MS, enabled=False):
        assert Handle._run is bare
        assert gc.callbacks == callbacks
        assert own_threads() == []


@pytest.mark.parametrize(("engine", "many"), [("sampling", 1000), ("tracing", 300)])
async def test_many_blocks_leak_nothing(engine, many):
    async def watch_often(count):
        for _ in range(count):
            with watch(threshold_ms=NEVER_MS, on_blocking_call=print, engine=engine):
                await asyncio.sleep(0)
        gc.collect()
        return len(gc.get_objects())

    before = await watch_often(20)
    assert await watch_often(many) - before < 200


def test_a_hundred_loops_leak_nothing():
    def run_loops(count):
        for _ in range(count):
            with watch(threshold_ms=NEVER_MS):
                asyncio.run(asyncio.sleep(0))
        gc.collect()
        return len(gc.get_objects())

    before = run_loops(5)
    assert run_loops(100) - before < 200


# Somebody else has a hand in it too


def wrap_run():
    inner = Handle._run

    def run(handle):
        counted.append(handle)
        inner(handle)

    counted = []
    Handle._run = run
    return inner, counted


async def test_a_wrapper_that_was_there_before_goes_on_working():
    bare, counted = wrap_run()
    try:
        with watch(threshold_ms=THRESHOLD_MS) as watcher:
            await asyncio.sleep(0)
            await blocks_once()
            await asyncio.sleep(0)
        assert len(watcher.calls) == 1
        assert counted
        before = len(counted)
        await asyncio.sleep(0)
        assert len(counted) > before
    finally:
        Handle._run = bare


async def test_a_wrapper_put_on_meanwhile_is_not_taken_away():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        loopwatch_run, counted = wrap_run()
        somebodys_run = Handle._run
        await blocks_once()
        await asyncio.sleep(0)
    try:
        assert len(watcher.calls) == 1
        assert Handle._run is somebodys_run
        before = len(counted)
        await asyncio.sleep(0)
        assert len(counted) > before
        with watch(threshold_ms=THRESHOLD_MS) as again:
            await blocks_once()
            await asyncio.sleep(0)
        assert len(again.calls) == 1
    finally:
        # As that somebody would: it puts back what it had found, and a new block takes loopwatch's own away.
        Handle._run = loopwatch_run
        with watch(threshold_ms=THRESHOLD_MS):
            pass


async def test_a_wrapper_put_on_and_taken_off_meanwhile_does_no_harm():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        loopwatch_run, _ = wrap_run()
        await asyncio.sleep(0)
        Handle._run = loopwatch_run
        await blocks_once()
        await asyncio.sleep(0)
    assert len(watcher.calls) == 1


async def test_a_profile_function_of_the_user_is_not_touched():
    seen = []

    def profile(_frame, event, _argument):
        seen.append(event)

    sys.setprofile(profile)
    try:
        with watch(threshold_ms=THRESHOLD_MS) as watcher:
            await blocks_once()
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    assert [call.method_name for call in watcher.calls] == ["time.sleep"]
    assert seen


@by_both_engines
async def test_a_trace_function_of_the_user_is_not_touched(engine):
    lines = []

    def trace(frame, event, _argument):
        lines.append((frame.f_code.co_name, event))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with watch(threshold_ms=THRESHOLD_MS, engine=engine) as watcher:
            await blocks_once()
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
    assert sleeps(watcher) == 1
    assert ("blocks_once", "line") in lines


# References


class Payload:
    """Something a step refers to."""


def hold(payload):
    time.sleep(STALL_S)
    assert payload


@pytest.fixture
def no_collector():
    """References are to be gone at once, not when the collector comes."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@by_both_engines
def test_the_loop_is_let_go(engine):
    with watch(threshold_ms=THRESHOLD_MS, engine=engine) as watcher:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(blocks_once())
        loop.close()
    assert sleeps(watcher) == 1
    reference = weakref.ref(loop)
    del loop
    gc.collect()
    assert reference() is None


def test_closed_loops_are_let_go_while_the_block_around_them_goes_on():
    loops = []

    async def main():
        loops.append(weakref.ref(asyncio.get_running_loop()))

    with watch(threshold_ms=NEVER_MS):
        for _ in range(5):
            asyncio.run(main())
        gc.collect()
        kept = [loop for loop in loops if loop() is not None]
    assert len(kept) <= 1


async def test_the_task_is_let_go():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        task = asyncio.create_task(blocks_once())
        await task
    assert len(watcher.calls) == 1
    reference = weakref.ref(task)
    del task
    await asyncio.sleep(0)
    gc.collect()
    assert reference() is None


async def test_local_variables_and_arguments_of_a_stall_are_let_go(no_collector):
    async def use():
        local = Payload()
        references.append(weakref.ref(local))
        argument = Payload()
        references.append(weakref.ref(argument))
        hold(argument)
        assert local

    references = []
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        await use()
        await asyncio.sleep(0)
        assert [reference() for reference in references] == [None, None]
    assert len(watcher.calls) == 1


@by_both_engines
async def test_the_callback_of_a_stall_is_let_go(no_collector, engine):
    with watch(threshold_ms=THRESHOLD_MS, engine=engine) as watcher:
        payload = Payload()
        reference = weakref.ref(payload)
        asyncio.get_running_loop().call_soon(hold, payload)
        del payload
        await asyncio.sleep(0)
        await asyncio.to_thread(monitor.settle, 60)
        assert reference() is None
    assert sleeps(watcher) == 1


async def test_the_watcher_is_let_go():
    watcher = watch(threshold_ms=THRESHOLD_MS)
    with watcher:
        await blocks_once()
    reference = weakref.ref(watcher)
    del watcher
    gc.collect()
    assert reference() is None
