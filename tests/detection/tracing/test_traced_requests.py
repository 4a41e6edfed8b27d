"""One request is traced: its own steps, child tasks' too, at its own threshold; nothing of it stays afterwards."""

import asyncio
import sys
import time

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight
from loopwatch.detection.timing.steps import EVERY_STEP
from loopwatch.detection.tracing.traced_requests import RequestTracing
from tests.detection.tracing.serving import LONG_S, SHORT_S, THRESHOLD_S, clock, long, names, several, short, traced

pytestmark = pytest.mark.real_time


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


async def test_a_loop_that_is_not_watched_has_no_request_to_trace():
    tracing = RequestTracing(RequestInFlight(InFlight(), lambda: Request("http")), THRESHOLD_S)
    assert not monitor.trace_request(asyncio.get_running_loop(), tracing)


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
