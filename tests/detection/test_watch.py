"""What a ``watch()`` block sees: where it begins and ends, and whom it tells."""

import asyncio
import math
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from loopwatch import watch
from loopwatch.detection import callback_thread
from tests.recorder.calls import blocking_call

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


# Several blocks


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


# Callbacks


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


# Leaving with an exception


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


# Switched off, and wrong


async def test_disabled_it_reports_nothing():
    told = []
    with watch(threshold_ms=THRESHOLD_MS, on_blocking_call=told.append, enabled=False) as watcher:
        block()
    assert watcher.calls == told == []


@pytest.mark.parametrize("threshold_ms", [-1, float("nan")])
def test_a_threshold_must_not_be_negative(threshold_ms):
    with pytest.raises(ValueError, match="threshold_ms"):
        watch(threshold_ms=threshold_ms)


@pytest.mark.parametrize("threshold_ms", [10**400, 1.7e308, math.inf], ids=["an integer", "a float", "infinity"])
def test_a_threshold_may_be_too_large_to_be_reached(threshold_ms):
    assert watch(threshold_ms=threshold_ms).threshold_s > 1e300


class Alerts:
    async def __call__(self, call):
        """Reports nothing, because nobody awaits it."""


@pytest.mark.parametrize("callback", [Alerts().__call__, partial(Alerts().__call__), Alerts()], ids=type)
def test_a_callback_that_only_makes_a_coroutine_is_refused(callback):
    with pytest.raises(TypeError, match="on_blocking_call must be a plain function"):
        watch(on_blocking_call=callback)


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


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="steam"):
        watch(engine="steam")


@pytest.mark.parametrize("name", ["include_paths", "exclude_paths"])
@pytest.mark.parametrize("paths", ["shop", b"shop", Path("shop"), [b"shop"], [None], ["shop", 1]], ids=repr)
def test_what_is_no_list_of_paths_is_refused(name, paths):
    with pytest.raises(TypeError, match=name):
        watch(**{name: paths})


@pytest.mark.parametrize("name", ["include_paths", "exclude_paths"])
def test_an_empty_path_is_refused_because_every_path_contains_it(name):
    with pytest.raises(ValueError, match=name):
        watch(**{name: ["shop", ""]})
