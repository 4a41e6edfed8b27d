"""A site whose calls wait for their thread: the waits are stored with their requests."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from asgiref import sync
from asgiref.sync import SyncToAsync, sync_to_async
from channels.generic.websocket import WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import WebsocketCommunicator
from django.core.asgi import get_asgi_application
from django.db import connection
from django.http import HttpResponse
from django.urls import path, resolve

from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.models import Finding, ThreadWaitTotal
from tests.databases import on_sqlite
from tests.support.asgi import get

pytestmark = [pytest.mark.real_time, on_sqlite, pytest.mark.usefixtures("site")]
LONG_S = 0.2


class Chat(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        time.sleep(LONG_S)
        self.send(text_data)


def slow():
    time.sleep(LONG_S)


async def gathering(request):
    await asyncio.gather(sync_to_async(slow)(), sync_to_async(slow)())
    return HttpResponse()


async def reporting(request):
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    await asyncio.gather(*(asyncio.to_thread(slow) for _ in range(4)))
    return HttpResponse()


urlpatterns = [path("shop/", gathering), path("reports/", reporting)]


@pytest.fixture
def site(settings, database):
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 50, "SINKS": ["database"]}
    resolve("/shop/")
    yield
    assert site_monitor.stop(60)
    assert not is_hooked()


def is_hooked():
    return (
        "submit" in vars(SyncToAsync.single_thread_executor) or sync.ThreadPoolExecutor.__name__ != "ThreadPoolExecutor"
    )


def application():
    chat = URLRouter([path("ws/chat/", Chat.as_asgi())])
    return LoopWatch(ProtocolTypeRouter({"http": get_asgi_application(), "websocket": chat}))


async def stored():
    """Return the thread waits so far."""
    columns = ("thread", "held_by", "held_for", "method", "route", "waits")
    return await rows(lambda: list(ThreadWaitTotal.objects.values_list(*columns)))


async def rows(query):
    """Return what the query finds once everything is written; close its connection on the same thread."""

    def run():
        assert site_monitor.flush(60)
        with closing(connection):
            return query()

    return await asyncio.to_thread(run)


async def test_consumers_of_channels_wait_for_each_other():
    site = application()
    visitors = [WebsocketCommunicator(site, "/ws/chat/") for _ in range(3)]
    for visitor in visitors:
        await visitor.connect(timeout=60)
    for visitor in visitors:
        await visitor.send_to(text_data="hello")
    for visitor in visitors:
        assert await visitor.receive_from(timeout=30) == "hello"
    waits = await stored()
    assert waits == [("process", f"{__name__}.Chat.dispatch", "WebSocket ws/chat/", "WebSocket", "ws/chat/", 2)]
    for visitor in visitors:
        await visitor.disconnect(timeout=60)


async def test_calls_that_a_view_gathers_wait_for_the_thread_of_their_request():
    assert (await get(application(), "/shop/")).status == 200
    assert await stored() == [("request", f"{__name__}.slow", "GET shop/", "GET", "shop/", 1)]


async def test_calls_wait_for_a_free_thread_of_the_default_executor():
    assert (await get(application(), "/reports/")).status == 200
    assert await stored() == [("executor", f"{__name__}.slow", "GET reports/", "GET", "reports/", 2)]
    columns = ("most_waiting", "threads", "threads_held")
    assert await rows(lambda: ThreadWaitTotal.objects.values_list(*columns).get()) == (2, 2, 2)
    assert await asyncio.to_thread(site_monitor.stop)
    assert "run_in_executor" not in vars(asyncio.get_running_loop())


async def test_a_thread_wait_is_no_stall():
    assert (await get(application(), "/shop/")).status == 200
    assert await stored()
    # A busy machine may make the loop wait for a thread to start, which is a stall of another kind.
    assert not await rows(Finding.objects.filter(blocking_call="time.sleep").exists)


async def test_thread_waits_can_be_switched_off(settings):
    settings.LOOPWATCH = {"THRESHOLD_MS": 50, "SINKS": ["database"], "THREAD_WAITS": False}
    assert (await get(application(), "/shop/")).status == 200
    assert not is_hooked()
    assert "run_in_executor" not in vars(asyncio.get_running_loop())
    assert await stored() == []
