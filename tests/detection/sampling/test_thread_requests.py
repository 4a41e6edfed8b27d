"""The request that a thread works for is found by the work that its executor has given it."""

import asyncio
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async

from loopwatch.detection.cpython.frames import stack_of
from loopwatch.detection.sampling.thread_requests import TAKES_WORK, request_of_thread
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight, current_request
from loopwatch.thread_waits.thread_queue import Measurement, ThreadQueue


class Work:
    """Keeps the thread that does it until the test has looked."""

    def __init__(self):
        self._began, self._is_seen = threading.Event(), threading.Event()
        self._thread_id = 0

    def __call__(self):
        self._thread_id = threading.get_ident()
        self._began.set()
        self._is_seen.wait()

    def look(self):
        """Return the request of the thread, and let it go on."""
        self._began.wait()
        try:
            return request_of_thread(self._thread_id, stack_of(self._thread_id, "", TAKES_WORK).outermost)
        finally:
            self._is_seen.set()


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def request_in_flight():
    return RequestInFlight(InFlight(), lambda: None)


@contextmanager
def serving(request):
    token = current_request.set(request)
    yield
    current_request.reset(token)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(asyncio.to_thread, id="to_thread"),
        pytest.param(lambda work: sync_to_async(work)(), id="sync_to_async"),
        pytest.param(lambda work: sync_to_async(work, thread_sensitive=False)(), id="sync_to_async, not sensitive"),
    ],
)
def test_work_in_the_context_of_a_request_is_for_it(run, work, request_in_flight):
    async def serve():
        with serving(request_in_flight):
            running = asyncio.ensure_future(run(work))
            await asyncio.sleep(0)
        found = await asyncio.get_running_loop().run_in_executor(looker, work.look)
        await running
        return found

    with ThreadPoolExecutor(1) as looker:
        assert asyncio.run(serve()) is request_in_flight


def submitted(work, submit):
    with ThreadPoolExecutor(1) as executor:
        executor.submit(*submit)
        return work.look()


def test_a_call_whose_wait_is_measured_is_for_its_request(work, request_in_flight):
    queue = ThreadQueue("executor", Measurement(1.0, 1.0, report=lambda _wait: None))
    with serving(request_in_flight):
        call = queue.enter(work)
    assert submitted(work, [call]) is request_in_flight


def test_work_that_is_done_is_not_kept_alive():
    work = Work()
    given = weakref.ref(work)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(partial(copy_context().run, work))
        work.look()
        executor.submit(int).result()  # the thread has finished the work, and goes on in the same frame
        del work
        assert given() is None


def test_work_without_a_context_is_for_no_request(work, request_in_flight):
    with serving(request_in_flight):
        assert submitted(work, [work]) is None


def test_work_in_a_context_without_a_request_is_for_none(work):
    assert submitted(work, [partial(copy_context().run, work)]) is None


def test_a_thread_of_no_executor_works_for_no_request(work):
    thread = threading.Thread(target=work)
    thread.start()
    assert work.look() is None
    thread.join()


def test_a_function_of_the_site_with_the_name_of_the_executors_is_not_looked_into(work, request_in_flight):
    with serving(request_in_flight):
        item = SimpleNamespace(fn=partial(copy_context().run, work))

    def _worker():
        work_item = item
        work()
        return work_item

    thread = threading.Thread(target=_worker)
    thread.start()
    assert work.look() is None
    thread.join()
