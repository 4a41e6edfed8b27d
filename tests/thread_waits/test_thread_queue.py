"""The queue of a pool counts the calls that wait and run, and a call that it has measured is otherwise unchanged."""

import asyncio
from contextlib import closing
from pickle import dumps, loads
from queue import SimpleQueue

import pytest
import uvloop

from loopwatch.thread_waits import thread_queue
from loopwatch.thread_waits.attribution import REMEMBERED, attribute
from loopwatch.thread_waits.thread_queue import Measurement, ThreadQueue


def queue_of_a_pool():
    return ThreadQueue("executor", Measurement(0.0, 60, print))


def test_a_refused_call_does_not_count_as_waiting():
    queue = queue_of_a_pool()
    queue.withdraw(queue.enter(int))
    assert not queue.waiting


def test_a_call_that_outlasts_the_measuring_takes_no_lock():
    """A lock that another thread held during a fork stays locked in the child, where measuring ends at once."""
    measurement = Measurement(0.0, 60, print)
    queue = ThreadQueue("executor", measurement)

    def fork():
        queue._lock.acquire()
        measurement.report = None
        return "child"

    running, waiting = queue.enter(fork), queue.enter(int)
    assert [running(), waiting()] == ["child", 0]


def test_a_call_that_enters_while_another_one_begins_counts_it_once():
    class Running(set):
        def add(self, call):
            super().add(call)
            entered.append(queue.enter(int))

    queue, entered = queue_of_a_pool(), []
    queue.running = Running()
    queue.begin(queue.enter(int))
    assert entered[0].unfinished == 2


def test_a_cancelled_call_does_not_count_as_unfinished_once_later_ones_begin():
    queue = queue_of_a_pool()
    queue.enter(int)
    queue.begin(later := queue.enter(int))
    assert queue.unfinished == {later}


class Client:
    """An object of the site whose destructor might wait for another call of the same pool."""

    def __init__(self, queue, locked):
        self._queue, self._locked = queue, locked

    def fetch(self):
        """Never called."""

    def __del__(self):
        self._locked.append(self._queue._lock.locked())


def test_a_cancelled_call_is_destroyed_while_no_lock_is_held():
    queue, locked = queue_of_a_pool(), []
    queue.enter(Client(queue, locked).fetch)
    queue.begin(queue.enter(int))
    assert locked == [False]


def test_the_request_of_a_forgotten_call_is_destroyed_while_no_lock_is_held():
    queue, locked = queue_of_a_pool(), []
    queue.begin(call := queue.enter(int))
    call.request = Client(queue, locked)
    queue.enter(int)
    queue.end(call)
    call.request = None
    for _ in range(REMEMBERED):
        assert locked == []
        queue.end(call)
    assert locked == [False]


def test_a_call_that_begins_after_later_ones_counts_as_unfinished():
    queue = queue_of_a_pool()
    calls = [queue.enter(int), queue.enter(int)]
    for call in reversed(calls):
        queue.begin(call)
    assert queue.unfinished == set(calls)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("closes_at_once", [True, False])
def test_waits_are_checked_on_another_loop_if_the_one_that_was_to_check_does_not_run(new_loop, closes_at_once):
    """The loops of several threads may use the thread of the process, such as one that runs periodic jobs."""
    reported = SimpleQueue()
    measurement = Measurement(60, 60, reported.put)
    queue = ThreadQueue("process", measurement)

    async def wait():
        queue.begin(queue.enter(int))
        queue.enter(int)

    async def wait_until_reported():
        await wait()
        return await asyncio.to_thread(reported.get, timeout=60)

    with closing(new_loop()) as first:
        first.run_until_complete(wait())
        if closes_at_once:
            first.close()
        measurement.ongoing_after_s = 0.05
        assert asyncio.run(wait_until_reported()).ongoing


def test_a_pickled_call_is_its_work_and_waits_no_longer():
    queue = queue_of_a_pool()
    assert loads(dumps(queue.enter(abs)))(-7) == 7
    assert not queue.waiting


def test_calls_that_wait_at_almost_the_same_time_are_attributed_once(monkeypatch):
    """Attributing a wait takes longer than a short call, so that an overload would grow."""

    def attribute_and_count(*args):
        attributed.append(args)
        return attribute(*args)

    def run(call, *, begins):
        at[0] = begins
        call()

    def hold():
        at[0] = 10.0

    def read_clock():
        at[0] += 1e-6  # no moment comes twice
        return at[0]

    attributed, reported, at = [], [], [0.0]
    monkeypatch.setattr(thread_queue, "attribute", attribute_and_count)
    monkeypatch.setattr(thread_queue, "now", read_clock)
    queue = ThreadQueue("process", Measurement(1.0, 60, reported.append))
    holding, *waiting = (queue.enter(work) for work in (hold, int, int, int))
    run(holding, begins=0.0)
    for number, call in enumerate(waiting):
        run(call, begins=10.0 + number / 10)
    assert (len(reported), len(attributed)) == (3, 1)
    assert reported[2].held == reported[0].held
