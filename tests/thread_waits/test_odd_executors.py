"""No call fails because its wait is measured, whichever executor and loop a site uses."""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import SyncToAsync

from loopwatch.thread_waits.asgiref_hooks import AsgirefHooks
from loopwatch.thread_waits.thread_queue import Measurement, ThreadQueue


class Emptied(deque):
    """A queue that claims to have an item, as if another thread had taken the last one after the check."""

    def __bool__(self):
        return True


def test_an_executor_with_several_threads_is_not_measured(monkeypatch):
    hooks = AsgirefHooks()
    with ThreadPoolExecutor(2) as executor:
        monkeypatch.setattr(SyncToAsync, "single_thread_executor", executor)
        hooks.install(1, 60, print)
        assert "submit" not in vars(executor)
        hooks.uninstall()


@pytest.mark.parametrize("thread", ["process", "executor"])
def test_a_call_runs_even_if_its_queue_has_changed_meanwhile(thread):
    queue = ThreadQueue(thread, Measurement(0.0, 60, print))
    call = queue.enter("worked".title)
    queue.waiting = Emptied()
    assert call() == "Worked"


async def test_a_call_is_queued_on_a_loop_whose_timers_take_no_context(monkeypatch):
    def call_later(delay, callback, *args):
        pass

    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", call_later)
    queue = ThreadQueue("process", Measurement(60, 60, print))
    first, second = queue.enter("worked".title), queue.enter("worked".title)
    assert [first(), second()] == ["Worked"] * 2
