"""What a ``watch()`` block sees: where it begins and ends, and whom it tells."""

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta

import pytest

from loopwatch import watch

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


async def test_counts_only_the_part_of_the_step_inside_the_block():
    block()
    begin = time.perf_counter()
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        block()
    lasted_ms = (time.perf_counter() - begin) * 1000
    block()
    assert names(watcher) == ["time.sleep"]
    assert STALL_MS <= watcher.calls[0].step_ms <= lasted_ms


async def test_does_not_report_a_stall_that_was_over_before_the_block():
    block()
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        pass
    assert watcher.calls == []


async def test_does_not_report_a_stall_before_the_block_when_the_step_goes_on_inside():
    block()
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        time.sleep(0.005)
        await asyncio.sleep(0)
    assert watcher.calls == []


async def test_does_not_report_what_the_step_does_after_the_block():
    await asyncio.sleep(0)
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        await asyncio.sleep(0)
    block()
    await asyncio.sleep(0)
    assert watcher.calls == []


async def test_reports_the_step_it_begins_in_the_steps_between_and_the_step_it_ends_in():
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        block()
        await asyncio.sleep(0)
        block()
        await asyncio.sleep(0)
        block()
    assert names(watcher) == ["time.sleep"] * 3
    assert all(call.step_ms >= STALL_MS for call in watcher.calls)


async def test_reports_other_tasks_of_the_loop():
    other = asyncio.create_task(blocks_once(), name="another task")
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        await other
    assert [call.task_name for call in watcher.calls] == ["another task"]


async def test_a_second_block_in_the_same_step_sees_only_its_own_part():
    with watch(threshold_ms=THRESHOLD_MS) as first:
        block()
    begin = time.perf_counter()
    with watch(threshold_ms=THRESHOLD_MS) as second:
        block()
    lasted_ms = (time.perf_counter() - begin) * 1000
    assert names(first) == names(second) == ["time.sleep"]
    assert second.calls[0].step_ms <= lasted_ms


async def test_the_same_watcher_can_be_entered_again():
    watcher = watch(threshold_ms=THRESHOLD_MS)
    for _ in range(2):
        with watcher:
            block()
    assert names(watcher) == ["time.sleep"] * 2


async def test_says_when_the_stall_began():
    before = datetime.now(UTC)
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        block()
    after = datetime.now(UTC) - timedelta(seconds=STALL_S)
    tolerated = timedelta(milliseconds=5)
    assert before - tolerated <= watcher.calls[0].started_at <= after + tolerated


async def test_a_step_just_under_the_threshold_is_not_reported():
    with watch(threshold_ms=10 * STALL_MS) as watcher:
        await blocks_twice()
    assert watcher.calls == []


async def test_a_threshold_that_is_never_reached_keeps_nothing_from_being_found():
    with watch(threshold_ms=math.inf) as never:
        await asyncio.sleep(0.01)
        with watch(threshold_ms=THRESHOLD_MS) as watcher:
            block()
    assert len(watcher.calls) == 1
    assert never.calls == []


async def test_nested_blocks_each_have_their_own_threshold():
    with watch(threshold_ms=THRESHOLD_MS) as outer:
        with watch(threshold_ms=10 * STALL_MS) as inner:
            await blocks_twice()
        block()
    assert len(outer.calls) == 2  # the second stall of the two and the last one are one step
    assert inner.calls == []


async def test_an_inner_block_with_a_lower_threshold_does_not_lower_the_outer_one():
    with watch(threshold_ms=10 * STALL_MS) as outer, watch(threshold_ms=THRESHOLD_MS) as inner:
        await blocks_twice()
    assert outer.calls == []
    assert len(inner.calls) == 2


async def test_nested_blocks_each_have_their_own_callback():
    of_outer, of_inner = [], []
    with watch(threshold_ms=THRESHOLD_MS, on_blocking_call=of_outer.append):
        await asyncio.sleep(0)
        with watch(threshold_ms=THRESHOLD_MS, on_blocking_call=of_inner.append):
            await blocks_twice()
        await asyncio.sleep(0)
    assert len(of_inner) == 2
    assert len(of_outer) == 2


async def test_nested_blocks_each_have_their_own_filter():
    with (
        watch(threshold_ms=THRESHOLD_MS, exclude_paths=["test_watch"]) as excluding,
        watch(threshold_ms=THRESHOLD_MS, include_paths=["test_watch"]) as including,
    ):
        await blocks_twice()
    assert excluding.calls == []
    assert len(including.calls) == 2


async def test_concurrent_blocks_report_for_themselves():
    async def watching(threshold_ms, inside, leave):
        with watch(threshold_ms=threshold_ms) as watcher:
            inside.set()
            await leave.wait()
        return watcher

    inside, others_inside, leave = asyncio.Event(), asyncio.Event(), asyncio.Event()
    low = asyncio.create_task(watching(THRESHOLD_MS, inside, leave))
    high = asyncio.create_task(watching(10 * STALL_MS, others_inside, leave))
    await inside.wait()
    await others_inside.wait()
    await asyncio.create_task(blocks_twice())
    leave.set()
    assert len((await low).calls) == 2
    assert (await high).calls == []


async def test_blocks_that_overlap_see_the_parts_they_cover():
    first, second = watch(threshold_ms=THRESHOLD_MS), watch(threshold_ms=THRESHOLD_MS)
    first.__enter__()
    block()
    await asyncio.sleep(0)
    second.__enter__()
    block()
    await asyncio.sleep(0)
    first.__exit__(None, None, None)
    block()
    await asyncio.sleep(0)
    second.__exit__(None, None, None)
    assert len(first.calls) == 2
    assert len(second.calls) == 2


async def test_an_exception_passes_through_and_the_block_is_settled():
    told = []
    with pytest.raises(ZeroDivisionError), watch(threshold_ms=THRESHOLD_MS, on_blocking_call=told.append) as watcher:
        block()
        _ = 1 / 0
    assert len(watcher.calls) == 1
    assert told == watcher.calls


async def test_a_cancelled_block_is_settled():
    async def watching():
        with watch(threshold_ms=THRESHOLD_MS) as watcher:
            watchers.append(watcher)
            block()
            await asyncio.Event().wait()

    watchers = []
    task = asyncio.create_task(watching())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert names(watchers[0]) == ["time.sleep"]


async def test_disabled_it_reports_nothing():
    told = []
    with watch(threshold_ms=THRESHOLD_MS, on_blocking_call=told.append, enabled=False) as watcher:
        block()
    assert watcher.calls == told == []


async def three_steps():
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.parametrize("engine", ["sampling", "tracing"])
async def test_a_threshold_of_zero_reports_every_step_and_none_of_its_own(engine):
    with watch(threshold_ms=0, engine=engine) as watcher:
        await three_steps()
    reported = [*watcher.calls, *watcher.disturbances]  # on a busy machine, a step may be starved
    assert [call.task_name for call in reported] == [asyncio.current_task().get_name()] * 3


def test_without_a_block_it_is_started_and_stopped():
    told = []
    watcher = watch(threshold_ms=THRESHOLD_MS, on_blocking_call=told.append)
    asyncio.run(blocks_once())
    for _ in range(2):
        watcher.start()
        asyncio.run(blocks_once())
        watcher.stop()
        asyncio.run(blocks_once())
    assert names(watcher) == ["time.sleep"] * 2
    assert told == watcher.calls


async def test_a_block_that_is_open_cannot_be_entered_again():
    told = []
    watcher = watch(threshold_ms=THRESHOLD_MS, on_blocking_call=told.append)
    watcher.start()
    with pytest.raises(RuntimeError, match="open already"):
        watcher.start()
    with pytest.raises(RuntimeError, match="open already"), watcher:
        pass
    block()
    watcher.stop()
    watcher.stop()
    assert names(watcher) == ["time.sleep"]
    assert told == watcher.calls
