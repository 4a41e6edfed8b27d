"""Whose request a stall is, and how many others it delayed."""

import asyncio
import sys
import time
from contextvars import copy_context

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import DELAYED_KEPT, InFlight, RequestInFlight, current_request
from tests.support import children

pytestmark = pytest.mark.real_time

THRESHOLD_MS = 40.0
STALL_S = 0.15


class Server:
    """Serves requests on a loop as the ASGI wrapper does: each in a separate task."""

    def __init__(self, in_flight):
        self.in_flight = in_flight
        self.tasks = []

    def serve(self, name, handle):
        async def run():
            request = RequestInFlight(self.in_flight, lambda: Request("http", "GET", name))
            request.begin()
            try:
                await handle()
            finally:
                request.finish()

        task = asyncio.create_task(run(), name=name)
        self.tasks.append(task)
        return task


class Watcher:
    """Watches the loop as the monitoring of a site does."""

    engine = "sampling"
    threshold_s = THRESHOLD_MS / 1000
    ongoing_after_s = float("inf")
    counts_kept_out = False
    entered = 0.0

    def __init__(self):
        self.calls = []

    def receive(self, call):
        self.calls.append(call)


@pytest.fixture
async def watcher():
    return Watcher()


@pytest.fixture
async def server(watcher):
    (clock,) = monitor.start_watching(watcher, asyncio.get_running_loop())
    yield Server(clock.in_flight)
    monitor.stop_watching(watcher, 60)


async def settled(watcher, count=1):
    await asyncio.sleep(0)
    assert await asyncio.to_thread(monitor.settle, 60)
    # A busy machine may make more steps late, but not for as long.
    calls = [call for call in watcher.calls if call.step_ms >= STALL_S * 1000]
    assert len(calls) == count
    return calls


async def block():
    time.sleep(STALL_S)


async def wait_then_block():
    await asyncio.sleep(0)
    time.sleep(STALL_S)


async def test_a_stall_belongs_to_the_request_of_its_task(server, watcher):
    await server.serve("checkout", wait_then_block)
    (call,) = await settled(watcher)
    assert call.request == Request("http", "GET", "checkout")
    assert call.waiting == 0


async def test_a_stall_in_the_first_step_of_a_request_belongs_to_it(server, watcher):
    await server.serve("checkout", block)
    (call,) = await settled(watcher)
    assert call.request == Request("http", "GET", "checkout")
    assert call.waiting == 0


async def test_a_stall_in_the_step_in_which_the_watching_began_belongs_to_its_request(watcher):
    (clock,) = monitor.start_watching(watcher, asyncio.get_running_loop())
    RequestInFlight(clock.in_flight, lambda: Request("http", "GET", "checkout")).begin()
    await block()
    (call,) = await settled(watcher)
    monitor.stop_watching(watcher, 60)
    assert (call.request, call.waiting) == (Request("http", "GET", "checkout"), 0)


async def test_a_child_task_belongs_to_the_request(server, watcher):
    async def handle():
        await asyncio.gather(asyncio.create_task(wait_then_block()), asyncio.sleep(0))

    await server.serve("checkout", handle)
    (call,) = await settled(watcher)
    assert call.request == Request("http", "GET", "checkout")


async def test_a_callback_that_a_request_scheduled_belongs_to_it(server, watcher):
    async def handle():
        asyncio.get_running_loop().call_soon(time.sleep, STALL_S)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    await server.serve("checkout", handle)
    (call,) = await settled(watcher)
    assert call.request == Request("http", "GET", "checkout")


async def test_a_task_that_outlives_its_request_does_not_belong_to_it(server, watcher):
    left = asyncio.Event()

    async def go_on():
        await left.wait()
        time.sleep(STALL_S)

    background = []

    async def handle():
        background.append(asyncio.create_task(go_on()))

    await server.serve("checkout", handle)
    left.set()
    await background[0]
    (call,) = await settled(watcher)
    assert call.request is None


async def test_the_last_step_of_a_request_belongs_to_it(server, watcher):
    async def handle():
        await asyncio.sleep(0)
        time.sleep(STALL_S)

    await server.serve("checkout", handle)
    (call,) = await settled(watcher)
    assert call.request is not None


async def test_a_stall_outside_of_requests_belongs_to_none(server, watcher):
    await asyncio.create_task(wait_then_block())
    (call,) = await settled(watcher)
    assert call.request is None


async def test_a_stall_counts_the_other_requests_in_flight(server, watcher):
    go_on = asyncio.Event()
    others = [server.serve(f"waits {number}", go_on.wait) for number in range(3)]
    await asyncio.sleep(0)
    await server.serve("checkout", wait_then_block)
    (call,) = await settled(watcher)
    assert call.waiting == 3
    go_on.set()
    await asyncio.gather(*others)


async def test_a_stall_describes_the_requests_that_waited_and_no_others(server, watcher):
    go_on = asyncio.Event()
    others = [server.serve(f"waits {number}", go_on.wait) for number in range(3)]
    await asyncio.sleep(0)
    await server.serve("checkout", wait_then_block)
    (call,) = await settled(watcher)
    assert {request.route for request in call.delayed} == {"waits 0", "waits 1", "waits 2"}
    go_on.set()
    await asyncio.gather(*others)


async def test_a_call_describes_some_of_many_waiting_requests(server, watcher):
    go_on = asyncio.Event()
    others = [server.serve("waits", go_on.wait) for _ in range(2 * DELAYED_KEPT)]
    await asyncio.sleep(0)
    await server.serve("checkout", wait_then_block)
    (call,) = await settled(watcher)
    assert call.waiting == 2 * DELAYED_KEPT
    assert [request.route for request in call.delayed] == ["waits"] * DELAYED_KEPT
    go_on.set()
    await asyncio.gather(*others)


async def test_a_request_does_not_wait_for_itself(server, watcher):
    async def block_and_go_on():
        time.sleep(STALL_S)
        await asyncio.sleep(0)

    await server.serve("checkout", block_and_go_on)
    (call,) = await settled(watcher)
    assert (call.waiting, call.delayed) == (0, ())


async def test_a_request_that_waits_again_and_again_is_asked_about_once(server, watcher):
    asked = []

    def describe():
        asked.append(True)
        return Request("http", "GET", "waits")

    request = RequestInFlight(server.in_flight, describe)
    request.resume()
    for _ in range(3):
        await server.serve("checkout", wait_then_block)
    calls = await settled(watcher, count=3)
    assert all(call.delayed == (Request("http", "GET", "waits"),) for call in calls)
    assert asked == [True]
    request.finish()


async def test_a_description_that_fails_leaves_out_that_request_alone(server, watcher):
    def describe():
        raise RuntimeError("no such route")

    request = RequestInFlight(server.in_flight, describe)
    request.resume()
    go_on = asyncio.Event()
    other = server.serve("waits", go_on.wait)
    await asyncio.sleep(0)
    await server.serve("checkout", wait_then_block)
    (call,) = await settled(watcher)
    assert (call.waiting, [request.route for request in call.delayed]) == (2, ["waits"])
    request.finish()
    go_on.set()
    await other


async def test_a_stall_outside_of_requests_delays_all_of_them(server, watcher):
    go_on = asyncio.Event()
    others = [server.serve(f"waits {number}", go_on.wait) for number in range(3)]
    await asyncio.sleep(0)
    await asyncio.create_task(wait_then_block())
    (call,) = await settled(watcher)
    assert call.waiting == 3
    go_on.set()
    await asyncio.gather(*others)


async def test_requests_that_are_over_or_at_rest_are_not_delayed(server, watcher):
    await server.serve("over", lambda: asyncio.sleep(0))
    at_rest = RequestInFlight(server.in_flight, lambda: Request("websocket"))
    at_rest.resume()
    at_rest.rest()
    await server.serve("checkout", wait_then_block)
    (call,) = await settled(watcher)
    assert call.waiting == 0


async def test_a_request_of_another_loop_is_not_this_loops(server, watcher):
    elsewhere = InFlight()
    request = RequestInFlight(elsewhere, lambda: Request("http", "GET", "elsewhere"))
    request.resume()
    go_on = asyncio.Event()
    other = server.serve("waits", go_on.wait)
    await asyncio.sleep(0)
    current_request.set(request)
    await asyncio.create_task(wait_then_block())
    (call,) = await settled(watcher)
    assert call.waiting == 1
    go_on.set()
    await other


async def test_a_description_that_fails_loses_no_report(server, watcher, caplog):
    def describe():
        raise RuntimeError("no such route")

    async def run():
        request = RequestInFlight(server.in_flight, describe)
        current_request.set(request)
        request.resume()
        await wait_then_block()
        request.finish()

    await asyncio.create_task(run())
    (call,) = await settled(watcher)
    assert call.method_name == "time.sleep"
    assert call.request is None


def test_resuming_and_resting_twice_counts_once():
    in_flight = InFlight()
    request = RequestInFlight(in_flight, lambda: Request("http"))
    request.resume()
    request.resume()
    assert in_flight.requests == {request}
    request.rest()
    request.finish()
    assert in_flight.requests == set()


async def test_a_watch_block_tells_the_request_too(server):
    with watch(threshold_ms=THRESHOLD_MS) as watcher:
        await server.serve("checkout", wait_then_block)
    assert watcher.calls[0].request == Request("http", "GET", "checkout")


async def test_a_loop_in_a_thread_that_has_inherited_a_request_stalls_for_no_request(server):
    async def start_thread():
        inherited = copy_context()
        await asyncio.to_thread(inherited.run, asyncio.run, block())

    with watch(threshold_ms=THRESHOLD_MS, every_thread=True) as watcher:
        await server.serve("checkout", start_thread)
    requests = {call.task_name: call.request for call in watcher.calls if call.function.endswith("block")}
    assert list(requests.values()) == [None]


THREAD_WITH_A_LOOP = """
import asyncio, threading, time
from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import RequestInFlight, current_request

async def block():
    assert current_request.get() is not None
    time.sleep(0.2)

async def serve(in_flight):
    request = RequestInFlight(in_flight, lambda: Request("http", "GET", "checkout"))
    current_request.set(request)
    request.resume()
    thread = threading.Thread(target=lambda: asyncio.run(block()))
    thread.start()
    await asyncio.to_thread(thread.join)
    await asyncio.create_task(block())
    request.finish()

async def main():
    clock = monitor._monitor._clock(asyncio.get_running_loop())
    await asyncio.create_task(serve(clock.in_flight))

with watch(threshold_ms=100, every_thread=True) as watcher:
    asyncio.run(main())
print(*(call.request and call.request.route for call in watcher.calls))
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Threads inherit contexts from Python 3.14 on")
def test_stalls_of_a_thread_that_python_has_inherit_a_request_are_not_the_requests():
    command = [sys.executable, "-X", "thread_inherit_context=1", "-c", THREAD_WITH_A_LOOP]
    assert children.run(command, check=True).stdout.split() == ["None", "checkout"]
