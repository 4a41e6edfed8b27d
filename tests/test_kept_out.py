"""``LoopWatch`` counts what comes in after a stall until the loop is idle: requests, and messages of WebSockets."""

import asyncio
import time

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.urls import resolve

from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch
from tests.support.asgi import get

pytestmark = pytest.mark.real_time

STALL_S = 0.15
FOR_HERE = {"type": "websocket", "path": "/", "headers": []}

reports = []


@pytest.fixture(autouse=True)
def site(settings):
    reports.clear()
    settings.ROOT_URLCONF = "tests.site_urls"
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 100, "SINKS": [], "ON_BLOCKING_CALL": reports.append}
    resolve("/")  # imports the views
    yield
    assert site_monitor.stop(60)


async def kept_out():
    """The stalls that this module made, in their order, by the number of requests that they kept out."""
    await asyncio.sleep(0.1)  # until the loop is idle
    assert await asyncio.to_thread(site_monitor.flush)
    return [call.kept_out.count for call in reports if call.function.endswith(".block")]


async def block():
    time.sleep(STALL_S)


async def echo(scope, receive, send):
    """Receive messages until the client leaves."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def idle():
    """Watch this loop from the first request on, and let it come to rest."""
    application = LoopWatch(get_asgi_application())
    await get(application, "/")
    await asyncio.sleep(0.1)
    return application


async def test_requests_that_come_in_right_after_a_stall_were_kept_out():
    application = await idle()
    tasks = [asyncio.create_task(block()), *(asyncio.create_task(get(application, "/")) for _ in range(3))]
    await asyncio.gather(*tasks)
    assert await kept_out() == [3]
    (call,) = reports
    assert [request.route for request in call.kept_out.described] == ["/"] * 3
    assert call.kept_out.waited_ms == pytest.approx(3 * call.step_ms / 2, rel=0.5)


async def test_requests_that_come_in_once_the_loop_was_idle_were_not_kept_out():
    application = await idle()
    await asyncio.create_task(block())
    await asyncio.sleep(0.05)
    await asyncio.gather(*(get(application, "/") for _ in range(3)))
    assert await kept_out() == [0]


async def test_a_request_after_two_stalls_in_a_row_was_kept_out_by_one_of_them():
    application = await idle()
    first, second = asyncio.create_task(block()), asyncio.create_task(block())
    await asyncio.gather(first, second, asyncio.create_task(get(application, "/")))
    assert sum(await kept_out()) == 1


async def test_a_loop_that_is_never_idle_counts_requests_for_as_long_as_the_stall_lasted():
    application = await idle()
    stalled = asyncio.create_task(block())
    served, until = 0, time.monotonic() + 6 * STALL_S
    await stalled
    while time.monotonic() < until:
        await get(application, "/")
        served += 1
    (count,) = await kept_out()
    assert 0 < count < served / 2


async def test_messages_that_come_in_right_after_a_stall_were_kept_out():
    await idle()
    socket = ApplicationCommunicator(LoopWatch(echo), FOR_HERE)
    await socket.send_input({"type": "websocket.connect"})
    await asyncio.sleep(0.1)
    for text in ("one", "two"):
        await socket.send_input({"type": "websocket.receive", "text": text})
    await block()
    assert await kept_out() == [2]
    await socket.send_input({"type": "websocket.disconnect"})
    await socket.wait(timeout=60)


async def test_a_client_that_leaves_during_a_stall_was_not_kept_out():
    await idle()
    socket = ApplicationCommunicator(LoopWatch(echo), FOR_HERE)
    await socket.send_input({"type": "websocket.connect"})
    await asyncio.sleep(0.1)
    await socket.send_input({"type": "websocket.disconnect"})
    await block()
    assert await kept_out() == [0]
    await socket.wait(timeout=60)
