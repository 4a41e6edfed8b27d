"""Blocks, loops, profilers and callbacks work as before beside a traced request."""

import asyncio
import cProfile
import sys
import threading

import pytest

from loopwatch import watch
from tests.detection.tracing.serving import clock, long, names, several, short, traced

pytestmark = pytest.mark.real_time


@pytest.mark.parametrize("comes_first", [True, False])
async def test_beside_a_block_with_the_tracing_engine(comes_first):
    """Every step is traced then; the request has its own threshold, the block its own."""

    async def work():
        short()
        await asyncio.sleep(0)
        if not comes_first:
            with watch(threshold_ms=100, engine="tracing") as inner:
                await asyncio.create_task(stall())
            blocks.append(inner)
        short()

    async def stall():
        long()

    blocks = []
    with watch(threshold_ms=10_000):
        if comes_first:
            with watch(threshold_ms=100, engine="tracing") as outer:
                tracing = await traced(work)
                await asyncio.create_task(stall())
            blocks.append(outer)
        else:
            tracing = await traced(work)
    assert [name for name in names(tracing.calls) if name[1] == "short"] == [("time.sleep", "short")] * 2
    (call,) = blocks[0].calls
    assert (call.method_name, call.engine) == ("time.sleep", "tracing")


def test_loops_of_other_threads_are_left_alone():
    ready, is_over = threading.Event(), threading.Event()
    seen = []

    async def elsewhere():
        with watch(threshold_ms=10_000):
            await asyncio.sleep(0)
            ready.set()
            while not is_over.is_set():
                short()
                seen.append((clock().listener, clock().tracer))
                await asyncio.sleep(0)

    async def here():
        async def work():
            for _ in range(5):
                several()
                await asyncio.sleep(0)

        with watch(threshold_ms=10_000):
            return await traced(work)

    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    assert ready.wait(30)
    tracing = asyncio.run(here())
    is_over.set()
    thread.join()
    assert names(tracing.calls) == [("time.sleep", "several")] * 5
    assert set(seen) == {(None, None)}


@pytest.fixture
def no_profile_function():
    before = sys.getprofile()
    yield
    sys.setprofile(before)


async def test_beside_a_profile_function_of_the_users(no_profile_function):
    """It is called in steps of the request and in others, and is still set afterwards."""
    called, found = set(), []

    def profile(frame, _event, _argument):
        called.add(frame.f_code.co_name)

    async def work():
        several()
        await asyncio.sleep(0)
        found.append(sys.getprofile())
        several()

    with watch(threshold_ms=10_000):
        sys.setprofile(profile)
        tracing = await traced(work)
        assert sys.getprofile() is profile
        sys.setprofile(None)
    assert names(tracing.calls) == [("time.sleep", "several")] * 2
    assert [each.count for call in tracing.calls for each in call.contributions if each.name == "time.sleep"] == [5, 5]
    assert "several" in called


async def test_a_profile_function_set_by_the_request_stays(no_profile_function):
    def profile(_frame, _event, _argument):
        pass

    async def work():
        sys.setprofile(profile)
        short()

    with watch(threshold_ms=10_000):
        tracing = await traced(work)
        assert sys.getprofile() is profile
        sys.setprofile(None)
    assert names(tracing.calls) == [("time.sleep", "short")]


async def test_beside_cprofile_it_is_traced_or_sampled_and_the_profile_is_whole():
    profiler = cProfile.Profile()

    async def work():
        short()

    with watch(threshold_ms=10_000):
        profiler.enable()
        tracing = await traced(work)
        profiler.disable()
    assert names(tracing.calls) == [("time.sleep", "short")]
    assert "short" in {entry.code.co_name for entry in profiler.getstats() if not isinstance(entry.code, str)}


async def test_a_trace_function_is_not_touched():
    called = set()

    def trace(frame, _event, _argument):
        called.add(frame.f_code.co_name)
        return trace

    async def work():
        short()
        await asyncio.sleep(0)
        short()

    before = sys.gettrace()
    with watch(threshold_ms=10_000):
        sys.settrace(trace)
        try:
            tracing = await traced(work)
            assert sys.gettrace() is trace
        finally:
            sys.settrace(before)
    assert len(tracing.calls) == 2
    assert "short" in called


class Hostile:
    """A callback that answers every question with an error."""

    def __init__(self, called):
        object.__setattr__(self, "called", called)

    def __getattribute__(self, name):
        raise RuntimeError(f"{name} must not be read")

    def __call__(self):
        object.__getattribute__(self, "called").set()


@pytest.mark.parametrize("engine", ["sampling", "tracing"])
async def test_objects_that_do_not_want_to_be_asked_are_called_as_ever(engine):
    errors = []
    called = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: errors.append(context))

    async def work():
        loop.call_soon(Hostile(called))
        await called.wait()
        short()

    with watch(threshold_ms=10_000, engine=engine):
        tracing = await traced(work)
    assert errors == []
    assert names(tracing.calls) == [("time.sleep", "short")]
