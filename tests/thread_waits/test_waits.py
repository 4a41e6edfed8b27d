"""Calls that wait for the thread in which asgiref runs them are reported."""

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from queue import SimpleQueue

import pytest
from asgiref import sync
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, async_to_sync, sync_to_async

from loopwatch.thread_waits.asgiref_hooks import AsgirefHooks
from loopwatch.thread_waits.attribution import REMEMBERED
from loopwatch.thread_waits.thread_queue import Measurement, ThreadQueue

pytestmark = pytest.mark.real_time

THRESHOLD_S = 0.05
LONG_S = 0.2
ONGOING_AFTER_S = 60

secret = ContextVar("secret", default="none")


begun = threading.Event()


def hold(seconds=LONG_S):
    begun.set()
    time.sleep(seconds)
    return seconds


def hold_longer():
    begun.set()
    time.sleep(2 * LONG_S)


def pass_by():
    return "passed"


@pytest.fixture
def hooks():
    hooks = AsgirefHooks()
    yield hooks
    hooks.uninstall()


@pytest.fixture
def waits(hooks):
    """Return the waits that are reported during the test."""
    reported = []
    hooks.install(THRESHOLD_S, ONGOING_AFTER_S, reported.append)
    return reported


async def at_once(*calls):
    return await asyncio.gather(*calls)


async def behind(first, *others):
    """Submit the other calls when the first one has its thread."""
    begun.clear()
    holding = asyncio.ensure_future(first)
    await asyncio.to_thread(begun.wait, 60)
    return await at_once(holding, *others)


async def test_a_call_behind_another_one_waits_for_it(waits):
    assert await behind(sync_to_async(hold)(), sync_to_async(pass_by)()) == [LONG_S, "passed"]
    (wait,) = waits
    assert (wait.thread, wait.held_by) == ("process", f"{__name__}.hold")
    assert wait.waited_ms >= LONG_S * 500  # it was handed over a moment after that had begun


async def test_calls_of_one_request_wait_for_each_other(waits):
    async with ThreadSensitiveContext():
        await behind(sync_to_async(hold)(), sync_to_async(pass_by)())
    assert [(wait.thread, wait.held_by) for wait in waits] == [("request", f"{__name__}.hold")]


async def test_calls_of_two_requests_do_not_wait_for_each_other(waits):
    async def request():
        async with ThreadSensitiveContext():
            await sync_to_async(hold)()

    await at_once(request(), request())
    assert not waits


async def test_calls_that_are_not_thread_sensitive_do_not_wait_for_each_other(waits):
    await at_once(sync_to_async(hold, thread_sensitive=False)(), sync_to_async(pass_by, thread_sensitive=False)())
    assert not waits


def test_calls_wait_for_the_thread_of_synchronous_code_around_them(waits):
    async def view():
        await behind(sync_to_async(hold)(), sync_to_async(pass_by)())

    async_to_sync(view)()
    assert [(wait.thread, wait.held_by) for wait in waits] == [("request", f"{__name__}.hold")]


async def test_waits_below_the_threshold_are_not_reported(hooks):
    reported = []
    hooks.install(60, ONGOING_AFTER_S, reported.append)
    await at_once(*(sync_to_async(hold)(0.01) for _ in range(10)))
    assert not reported


async def test_the_call_is_named_that_held_the_thread_most(waits):
    await behind(*(sync_to_async(each)() for each in (hold, hold_longer, pass_by)))
    assert [wait.held_by for wait in waits] == [f"{__name__}.hold", f"{__name__}.hold_longer"]


async def test_many_short_calls_of_one_function_add_up(waits):
    short = [sync_to_async(hold)(0.02) for _ in range(20)]
    await behind(sync_to_async(hold_briefly)(), *short, sync_to_async(pass_by)())
    assert waits[-1].held_by == f"{__name__}.hold"


def hold_briefly():
    begun.set()
    time.sleep(0.1)


async def test_results_exceptions_and_context_of_a_call_are_unchanged(waits):
    secret.set("kept")
    assert await sync_to_async(secret.get)() == "kept"
    with pytest.raises(ZeroDivisionError):
        await sync_to_async(lambda: 1 / 0)()


async def test_a_wait_for_a_free_thread_is_not_reported(waits):
    queue = ThreadQueue("process", Measurement(THRESHOLD_S, ONGOING_AFTER_S, waits.append))
    queue.enter(pass_by)()
    late = queue.enter(pass_by)
    late.submitted -= 10
    late()
    assert not waits


async def test_waits_behind_more_holders_than_are_remembered_are_reported(waits):
    queue = ThreadQueue("process", Measurement(THRESHOLD_S, ONGOING_AFTER_S, waits.append))
    long = [queue.enter(hold) for _ in range(REMEMBERED + 1)]
    late = queue.enter(pass_by)
    late.submitted -= 10
    for each in long:
        each(0.001)
    late()
    assert waits[-1].waited_ms > 10_000
    assert waits[-1].held_by == f"{__name__}.hold"


class TestAThreadThatIsNotGivenBack:
    @pytest.fixture
    def told(self, hooks):
        """What is reported, also while it lasts."""
        reported = SimpleQueue()
        hooks.install(THRESHOLD_S, THRESHOLD_S, reported.put)
        return reported

    async def test_a_call_behind_one_that_does_not_return_is_reported_while_it_waits(self, told):
        let_go = threading.Event()

        def hang():
            begun.set()
            let_go.wait(60)

        calls = asyncio.ensure_future(behind(sync_to_async(hang)(), sync_to_async(pass_by)()))
        first, second = [await asyncio.to_thread(told.get, timeout=60) for _ in range(2)]
        assert (first.ongoing, first.thread) == (True, "process")
        assert first.held_by.endswith("<locals>.hang")
        assert second.ongoing
        assert second.waited_ms > first.waited_ms
        let_go.set()
        assert (await calls)[1] == "passed"
        last = first
        while last.ongoing:
            last = told.get(timeout=60)
        assert last.waited_ms >= second.waited_ms

    async def test_a_waiting_call_that_is_cancelled_is_no_longer_reported(self, hooks, told):
        queue = ThreadQueue("process", hooks._measurement)
        queue.enter(pass_by)
        queue.enter(pass_by)
        assert queue._is_checked_later
        while queue._is_checked_later:
            await asyncio.sleep(0.01)
        assert told.empty()
        queue.enter(pass_by)()
        assert not queue.waiting


def parts_of_asgiref():
    executor = SyncToAsync.single_thread_executor
    return vars(executor).get("submit"), sync.ThreadPoolExecutor, vars(sync.CurrentThreadExecutor)["submit"]


def test_uninstalling_restores_asgiref(hooks):
    before = parts_of_asgiref()
    hooks.install(THRESHOLD_S, ONGOING_AFTER_S, print)
    assert all(ours is not original for ours, original in zip(parts_of_asgiref(), before, strict=True))
    hooks.uninstall()
    assert parts_of_asgiref() == before == (None, ThreadPoolExecutor, before[2])


async def test_a_call_queued_before_uninstalling_runs_and_is_not_reported(hooks, waits):
    running = threading.Event()

    def hold_on():
        running.set()
        hold()

    calls = [asyncio.ensure_future(sync_to_async(each)()) for each in (hold_on, pass_by)]
    await asyncio.to_thread(running.wait)
    hooks.uninstall()
    assert (await at_once(*calls))[1] == "passed"
    assert not waits


def test_a_hook_that_other_code_has_wrapped_is_left_in_place(hooks):
    original = sync.CurrentThreadExecutor.submit
    hooks.install(THRESHOLD_S, ONGOING_AFTER_S, print)
    ours = sync.CurrentThreadExecutor.submit

    def wrapped(*args, **kwargs):
        return ours(*args, **kwargs)

    sync.CurrentThreadExecutor.submit = wrapped
    hooks.uninstall()
    assert sync.CurrentThreadExecutor.submit is wrapped
    sync.CurrentThreadExecutor.submit = original


@pytest.mark.parametrize("missing", ["CurrentThreadExecutor", "ThreadPoolExecutor"])
def test_an_asgiref_that_cannot_be_hooked_is_left_alone_and_the_log_says_so_once(hooks, monkeypatch, caplog, missing):
    monkeypatch.delattr(sync, missing)
    for _ in range(2):
        hooks.install(THRESHOLD_S, ONGOING_AFTER_S, print)
    assert vars(SyncToAsync.single_thread_executor).get("submit") is None
    (line,) = [record for record in caplog.records if record.name == "loopwatch"]
    assert line.levelno == logging.WARNING
    assert "not measured" in line.getMessage()
