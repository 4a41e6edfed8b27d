"""One request is traced: its own steps, child tasks' too, at its own threshold; everything else goes on as it was."""

import asyncio
import cProfile
import sys
import threading
import time

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight, current_request
from loopwatch.detection.timing.steps import EVERY_STEP
from loopwatch.detection.tracing.traced_requests import RequestTracing

pytestmark = pytest.mark.real_time

SHORT_S = 0.03
LONG_S = 0.2
THRESHOLD_S = 0.005


def short():
    time.sleep(SHORT_S)


def long():
    time.sleep(LONG_S)


def several():
    for _ in range(5):
        time.sleep(0.002)


async def traced(work, threshold_s=THRESHOLD_S, **options):
    """Serve ``work()`` as a request that is traced, in a task of its own; the tracing, all of it settled."""

    async def serve():
        request = RequestInFlight(InFlight(), lambda: Request("http"))
        current_request.set(request)
        request.resume()
        tracing = RequestTracing(request, threshold_s)
        assert monitor.trace_request(asyncio.get_running_loop(), tracing, [work])
        try:
            await work()
        finally:
            request.finish()
        return tracing

    tracing = await asyncio.create_task(serve())
    assert monitor.settle(30)
    return tracing


def clock():
    return monitor._monitor._hooks.watched[asyncio.get_running_loop()]


def names(calls):
    """Of the sleeps: on a busy machine any other step may take long as well."""
    found = [(call.method_name, call.function.rpartition(".")[2]) for call in calls]
    return [name for name in found if name[0] == "time.sleep"]


async def test_stalls_of_a_traced_request_are_reported_below_the_threshold_of_the_loop():
    with watch(threshold_ms=10_000) as watcher:

        async def work():
            short()
            await asyncio.sleep(0)
            several()

        tracing = await traced(work)
    assert names(tracing.calls) == [("time.sleep", "short"), ("time.sleep", "several")]
    assert {call.engine for call in tracing.calls} == {"tracing"}
    counts = [each.count for call in tracing.calls for each in call.contributions if each.name == "time.sleep"]
    assert counts == [1, 5]
    assert watcher.calls == []


async def test_child_tasks_of_a_traced_request_are_traced():
    async def child():
        await asyncio.sleep(0)
        short()

    async def work():
        await asyncio.gather(child(), child())

    with watch(threshold_ms=10_000):
        tracing = await traced(work)
    assert names(tracing.calls) == [("time.sleep", "short")] * 2


async def test_steps_of_others_between_its_own_are_not_its_and_do_not_mix_with_them():
    is_over = asyncio.Event()

    async def others():
        while not is_over.is_set():
            several()
            short()
            await asyncio.sleep(0)

    async def work():
        for _ in range(4):
            several()
            await asyncio.sleep(0.001)

    with watch(threshold_ms=10_000):
        other = asyncio.create_task(others())
        await asyncio.sleep(0)
        tracing = await traced(work)
        is_over.set()
        await other
    assert names(tracing.calls) == [("time.sleep", "several")] * 4
    counts = [each.count for call in tracing.calls for each in call.contributions if each.name == "time.sleep"]
    assert counts == [5] * 4
    assert tracing.figures().waiting_ms >= 3 * SHORT_S * 1000


async def test_code_that_others_run_meanwhile_is_traced_all_the_same():
    """They find it quick, while the request waits in the middle of it."""
    is_run_by_others = asyncio.Event()

    def call(pause_s):
        for _ in range(5):
            time.sleep(pause_s)

    async def view(pause_s, until=None):
        call(pause_s)
        await (asyncio.sleep(0) if until is None else until.wait())
        call(pause_s)

    async def others():
        for _ in range(200):
            await asyncio.create_task(view(0))
        is_run_by_others.set()

    async def work():
        await view(0.002, until=is_run_by_others)

    with watch(threshold_ms=10_000):
        other = asyncio.create_task(others())
        tracing = await traced(work)
        await other
    counts = [each.count for call in tracing.calls for each in call.contributions if each.name == "time.sleep"]
    assert counts == [5, 5]


async def test_a_stall_by_the_threshold_of_the_loop_is_told_to_those_who_watch_it_with_its_trace():
    async def work():
        long()

    with watch(threshold_ms=100) as watcher, watch(threshold_ms=10_000) as patient:
        tracing = await traced(work, threshold_s=float("inf"))
    (call,) = watcher.calls
    assert (call.method_name, call.engine) == ("time.sleep", "tracing")
    assert call.duration_ms >= LONG_S * 1000 * 0.99
    assert tracing.calls == patient.calls == []


async def test_the_figures_say_where_its_time_went():
    async def work():
        short()
        await asyncio.sleep(0.02)
        long()

    with watch(threshold_ms=10_000):
        tracing = await traced(work)
        figures = tracing.figures()
    own_ms = (SHORT_S + LONG_S) * 1000
    assert figures.loop_ms >= figures.blocked_ms >= own_ms
    assert figures.blocked_ms <= sum(call.step_ms for call in tracing.calls) + 1
    assert figures.waiting_ms >= 0


async def test_afterwards_steps_are_timed_as_if_no_request_had_been_traced():
    async def work():
        await asyncio.sleep(0)

    with watch(threshold_ms=100):
        await asyncio.sleep(0)
        before = (clock().ends_from_s, clock().threshold_s, clock().tracer, clock().listener)
        await traced(work)
        await asyncio.sleep(0)
        assert (clock().ends_from_s, clock().threshold_s, clock().tracer, clock().listener) == before
        assert clock().wants_step_begin is not EVERY_STEP
    assert sys.getprofile() is None


async def test_what_a_request_has_begun_and_left_behind_is_not_its_own():
    left = []

    async def later():
        await asyncio.sleep(0.01)
        short()

    async def work():
        left.append(asyncio.create_task(later()))

    with watch(threshold_ms=10_000):
        tracing = await traced(work)
        await left[0]
        assert monitor.settle(30)
    assert tracing.calls == []


async def test_requests_traced_at_the_same_time_are_told_apart():
    async def one():
        for _ in range(3):
            short()
            await asyncio.sleep(0)

    async def other():
        for _ in range(3):
            several()
            await asyncio.sleep(0)

    with watch(threshold_ms=10_000):
        first, second = await asyncio.gather(traced(one), traced(other))
    assert names(first.calls) == [("time.sleep", "short")] * 3
    assert names(second.calls) == [("time.sleep", "several")] * 3


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


async def test_a_loop_that_is_not_watched_has_no_request_to_trace():
    tracing = RequestTracing(RequestInFlight(InFlight(), lambda: Request("http")), THRESHOLD_S)
    assert not monitor.trace_request(asyncio.get_running_loop(), tracing)


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


async def test_a_request_that_is_cancelled_leaves_nothing():
    async def work():
        several()
        await asyncio.sleep(60)

    with watch(threshold_ms=10_000):
        task = asyncio.create_task(traced(work))
        while not monitor._monitor._hooks.watched or clock().listener is None:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        assert (clock().listener, clock().tracer) == (None, None)


async def test_a_watch_that_ends_before_the_request_leaves_nothing():
    is_over = asyncio.Event()

    async def work():
        await is_over.wait()

    async def watched():
        with watch(threshold_ms=10_000):
            task = asyncio.create_task(traced(work))
            while not clock().listener:
                await asyncio.sleep(0)
            return task

    task = await watched()
    assert not monitor._monitor._hooks.watched
    is_over.set()
    await task
    assert sys.getprofile() is None


class Hostile:
    """A callback that answers every question with an error."""

    def __init__(self, called):
        object.__setattr__(self, "called", called)

    def __getattribute__(self, name):
        raise RuntimeError(f"nobody may ask for {name}")

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
