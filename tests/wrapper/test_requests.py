"""Requests to Django and Channels behind ``LoopWatch``."""

import asyncio
import threading
import time
from asyncio.events import Handle
from datetime import datetime, timedelta

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.middleware import BaseMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import WebsocketCommunicator
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import async_only_middleware

from loopwatch import request_route, site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.detection.machine import clock
from loopwatch.detection.timing.in_flight import current_request
from tests.support.asgi import get
from tests.wrapper.served import BARE_RUN, recorded, reports

pytestmark = pytest.mark.real_time


async def test_a_blocking_view_is_reported_with_its_route_and_nothing_secret():
    assert (await get(LoopWatch(get_asgi_application()), "/shop/7/", method="POST")).status == 200
    (call,) = await recorded()
    assert call.method_name == "time.sleep"
    assert call.function == "tests.site_urls.block"
    assert (call.request.kind, call.request.method, call.request.route) == ("http", "POST", "shop/<int:pk>/")
    assert "secret" not in repr(call)


@pytest.mark.parametrize(
    ("url", "route", "count"),
    [("/", "/", 1), ("/child/", "child/", 1), ("/pieces/", "pieces/", 3), ("/en-us/greeting/", "en-us/greeting/", 1)],
)
async def test_every_stall_of_a_request_has_its_route(url, route, count):
    await get(LoopWatch(get_asgi_application()), url)
    calls = await recorded()
    assert [call.request.route for call in calls] == [route] * count


async def test_a_route_is_resolved_in_the_language_of_its_path(settings):
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware"]
    assert (await get(LoopWatch(get_asgi_application()), "/de/greeting/")).status == 200
    (call,) = await recorded()
    assert call.request.route == "de/greeting/"


@async_only_middleware
def for_another_host(get_response):
    """Choose the URL configuration of a host, as django-hosts and django-tenants do."""

    async def middleware(request):
        request.urlconf = __name__
        return await get_response(request)

    return middleware


async def block(request, item):
    time.sleep(0.06)
    return HttpResponse(item)


urlpatterns = [path("shop/<slug:item>/", block)]


async def test_a_route_is_that_of_the_url_configuration_that_a_middleware_chose(settings, monkeypatch):
    monkeypatch.setattr(request_route, "_urlconfs", request_route._Urlconfs())
    settings.MIDDLEWARE = [f"{__name__}.for_another_host"]
    site = LoopWatch(get_asgi_application())
    await get(site, "/shop/7/")  # begins unobserved, so its context is known only as it was then
    await get(site, "/shop/7/")
    _, call = await recorded()
    assert (call.request.route, call.request.view) == ("shop/<slug:item>/", "tests.wrapper.test_requests.block")


class Behind(datetime):
    """A clock that has been set back by seven hours."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) - timedelta(hours=7)


async def test_stalls_are_reported_when_the_clock_of_the_machine_is_set_back(monkeypatch):
    site = LoopWatch(get_asgi_application())
    await get(site, "/")
    assert len(await recorded()) == 1
    monkeypatch.setattr(clock, "datetime", Behind)
    await get(site, "/")
    first, second = await recorded()
    assert second.started_at < first.started_at


async def test_a_websocket_is_in_flight_no_more_when_a_task_that_waited_for_its_client_outlives_it():
    waiting, events = [], asyncio.Queue()

    async def application(_scope, receive, _send):
        waiting.append(asyncio.create_task(receive()))
        await asyncio.sleep(0)

    await asyncio.create_task(LoopWatch(application)({"type": "websocket", "path": "/"}, events.get, None))
    events.put_nowait({"type": "websocket.disconnect"})
    await waiting[0]
    assert not site_monitor.watch_running_loop().requests


@pytest.mark.parametrize("url", ["/quick/", "/sync/", "/missing/"])
async def test_requests_that_do_not_block_are_not_reported(url):
    await get(LoopWatch(get_asgi_application()), url)
    assert await recorded() == []


async def test_a_stall_after_a_request_has_ended_is_not_attributed_to_it():
    await get(LoopWatch(get_asgi_application()), "/quick/")
    await asyncio.sleep(0)
    time.sleep(0.06)
    await asyncio.sleep(0)
    (call,) = await recorded()
    assert call.request is None


async def test_requests_in_flight_are_counted_as_waiting():
    application = LoopWatch(get_asgi_application())
    gate = asyncio.Event()

    async def held(scope, receive, send):
        await gate.wait()

    waiting = [asyncio.create_task(LoopWatch(held)({"type": "http", "path": "/"}, None, None)) for _ in range(3)]
    await asyncio.sleep(0)
    await get(application, "/shop/1/")
    gate.set()
    await asyncio.gather(*waiting)
    await get(application, "/shop/1/")
    assert [call.waiting for call in await recorded()] == [3, 0]


class Chat(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        time.sleep(0.06)
        await self.send(text_data=text_data)


class PassOn(BaseMiddleware):
    pass


async def test_a_consumer_is_named_through_routers_and_middleware_and_an_idle_socket_is_not_delayed():
    application = LoopWatch(
        ProtocolTypeRouter(
            {
                "http": get_asgi_application(),
                "websocket": PassOn(URLRouter([path("ws/", URLRouter([path("<slug:room>/", Chat.as_asgi())]))])),
            }
        )
    )
    socket = WebsocketCommunicator(application, "/ws/lobby/")
    idle = WebsocketCommunicator(application, "/ws/other/")
    for each in (socket, idle):
        assert (await each.connect(60))[0]
    await socket.send_to(text_data="hello")
    assert await socket.receive_from(60) == "hello"
    for each in (socket, idle):
        await each.disconnect(timeout=60)
    (call,) = await recorded()
    assert call.request.kind == "websocket"
    assert call.request.route == "ws/<slug:room>/"
    assert call.request.consumer == "tests.wrapper.test_requests.Chat"
    assert call.function == "tests.wrapper.test_requests.Chat.receive"
    assert call.waiting == 0


async def test_a_request_that_passes_two_wrappers_is_counted_once():
    await get(LoopWatch(LoopWatch(get_asgi_application())), "/shop/1/")
    (call,) = await recorded()
    assert call.waiting == 0


async def test_a_request_that_passes_two_wrappers_in_different_tasks_is_counted_once():
    inner = LoopWatch(get_asgi_application())

    async def in_a_task(scope, receive, send):
        await asyncio.create_task(inner(dict(scope), receive, send))

    await get(LoopWatch(in_a_task), "/shop/1/")
    (call,) = await recorded()
    assert call.waiting == 0


async def test_a_request_that_another_one_makes_within_the_process_belongs_to_that():
    noted = []

    async def part(_scope, _receive, _send):
        noted.append(current_request.get())

    async def gateway(scope, receive, send):
        await part(scope, receive, send)
        await LoopWatch(part)({"type": "http", "method": "GET", "path": "/part/"}, receive, send)
        await part(scope, receive, send)

    await LoopWatch(gateway)({"type": "http", "method": "GET", "path": "/"}, None, None)
    outer, inner, afterwards = noted
    assert outer is inner is afterwards is not None


async def test_the_server_gets_its_scope_back_as_it_was():
    scope = {"type": "http", "method": "GET", "path": "/"}

    async def application(scope, receive, send):
        scope["app"] = "shop"

    await LoopWatch(application)(scope, None, None)
    assert scope == {"type": "http", "method": "GET", "path": "/", "app": "shop"}


async def test_an_application_that_raises_still_raises():
    async def broken(scope, receive, send):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        await LoopWatch(broken)({"type": "http", "path": "/"}, None, None)


async def test_a_site_that_switches_loopwatch_off_has_no_hooks_and_threads(settings):
    settings.LOOPWATCH = {"ENABLED": False}
    threads = threading.active_count()
    assert (await get(LoopWatch(get_asgi_application()), "/quick/")).status == 200
    assert Handle._run is BARE_RUN
    assert threading.active_count() <= threads + 1  # asgiref's own


async def test_wrong_settings_are_logged_once_and_the_site_is_served(settings, caplog):
    settings.LOOPWATCH = {"THRESHHOLD_MS": 50}
    application = LoopWatch(get_asgi_application())
    assert [(await get(application, "/quick/")).status for _ in range(3)] == [200] * 3
    (record,) = [record for record in caplog.records if record.name == "loopwatch"]
    assert "THRESHOLD_MS" in record.getMessage()
    assert Handle._run is BARE_RUN


class Unreadable(float):
    def __ge__(self, _):
        raise LookupError("no such secret")


async def test_a_site_whose_setting_raises_as_it_is_read_is_served(settings, caplog):
    settings.LOOPWATCH = {"THRESHOLD_MS": Unreadable(50)}
    assert (await get(LoopWatch(get_asgi_application()), "/quick/")).status == 200
    assert "no such secret" in caplog.text
    assert Handle._run is BARE_RUN


async def test_changed_settings_take_effect_with_the_next_request():
    application = LoopWatch(get_asgi_application())
    await get(application, "/shop/1/")
    with override_settings(LOOPWATCH={"THRESHOLD_MS": 5000, "SINKS": [], "ON_BLOCKING_CALL": reports.append}):
        await get(application, "/shop/1/")
        await asyncio.sleep(0)
        assert len(await recorded()) == 1


def test_consecutive_and_concurrent_loops_are_watched_independently():
    application = LoopWatch(get_asgi_application())

    def serve():
        asyncio.run(get(application, "/shop/1/"))

    for _ in range(2):
        serve()
    threads = [threading.Thread(target=serve) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site_monitor.flush(60)
    # Threads that start concurrently may delay each other, too, which is reported.
    assert [call.function for call in reports if call.method_name == "time.sleep"] == ["tests.site_urls.block"] * 5
