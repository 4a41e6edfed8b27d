"""``LoopWatch`` around Django, Channels, and applications with and without a lifespan."""

import asyncio
import contextlib
import os
import sys
import threading
import time
from asyncio.events import Handle
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.middleware import BaseMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import WebsocketCommunicator
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path, resolve
from django.utils.decorators import async_only_middleware

from loopwatch import request_route, site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.detection.machine import clock
from loopwatch.detection.timing.in_flight import current_request
from tests.support.asgi import get
from tests.support.children import run

pytestmark = pytest.mark.real_time

BARE_RUN = Handle._run

reports = []


@pytest.fixture(autouse=True)
def site(settings):
    """Set up a site that hands its stalls to ``reports``; stop it, and check that it leaves nothing behind."""
    reports.clear()
    settings.ROOT_URLCONF = "tests.site_urls"
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "SINKS": [], "ON_BLOCKING_CALL": reports.append, "FLUSH_INTERVAL_S": 0.05}
    resolve("/")  # imports the views: the first request of a site does, and that is a stall
    yield
    assert site_monitor.stop(60)
    assert Handle._run is BARE_RUN
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("loopwatch")]


async def recorded():
    """Return the reports of all stalls that have ended so far."""
    assert await asyncio.to_thread(site_monitor.flush)
    return list(reports)


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
    assert (call.request.route, call.request.view) == ("shop/<slug:item>/", "tests.test_asgi.block")


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
    assert call.request.consumer == "tests.test_asgi.Chat"
    assert call.function == "tests.test_asgi.Chat.receive"
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


class Lifespan:
    """The server's side of the lifespan protocol."""

    def __init__(self, application):
        self.sent = asyncio.Queue()
        self.to_send = asyncio.Queue()
        self.task = asyncio.create_task(application({"type": "lifespan"}, self.to_send.get, self.sent.put))

    async def event(self, name):
        await self.to_send.put({"type": f"lifespan.{name}"})
        answer = asyncio.create_task(self.sent.get())
        await asyncio.wait({answer, self.task}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        if answer.done():
            return answer.result()["type"]
        answer.cancel()
        return self.task.exception()


@pytest.mark.parametrize(
    "application",
    [get_asgi_application(), ProtocolTypeRouter({"http": get_asgi_application()})],
    ids=["django", "channels"],
)
async def test_lifespan_is_answered_for_an_application_without_one(application):
    wrapped = LoopWatch(application)
    lifespan = Lifespan(wrapped)
    assert await lifespan.event("startup") == "lifespan.startup.complete"
    assert Handle._run is not BARE_RUN
    await get(wrapped, "/shop/1/")
    assert await lifespan.event("shutdown") == "lifespan.shutdown.complete"
    assert len(reports) == 1
    assert Handle._run is BARE_RUN
    await lifespan.task


async def test_the_lifespan_is_passed_to_an_application_that_has_one():
    seen = []

    async def application(scope, receive, send):
        for _ in range(2):
            message = await receive()
            seen.append(message["type"])
            await send({"type": f"{message['type']}.complete"})

    lifespan = Lifespan(LoopWatch(application))
    assert await lifespan.event("startup") == "lifespan.startup.complete"
    assert await lifespan.event("shutdown") == "lifespan.shutdown.complete"
    await lifespan.task
    assert seen == ["lifespan.startup", "lifespan.shutdown"]


async def test_the_shutdown_is_confirmed_while_a_call_holds_the_threads_of_the_loop():
    go_on, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    held = loop.run_in_executor(None, go_on.wait)
    lifespan = Lifespan(LoopWatch(get_asgi_application()))
    try:
        assert await lifespan.event("startup") == "lifespan.startup.complete"
        async with asyncio.timeout(30):
            assert await lifespan.event("shutdown") == "lifespan.shutdown.complete"
    finally:
        go_on.set()
    await lifespan.task
    await held


async def test_a_lifespan_that_raises_at_start_up_still_raises():
    async def application(scope, receive, send):
        await receive()
        raise RuntimeError("no database")

    lifespan = Lifespan(LoopWatch(application))
    assert isinstance(await lifespan.event("startup"), RuntimeError)
    with contextlib.suppress(RuntimeError):
        await lifespan.task


def test_the_wrapper_can_be_imported_before_the_settings_are_known():
    program = "import loopwatch.asgi, loopwatch; loopwatch.watch()"
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = run([sys.executable, "-W", "error", "-c", program], env=environment)
    assert done.returncode == 0, done.stderr


async def test_a_site_without_loopwatch_in_installed_apps_is_served_and_the_log_says_so(settings, caplog):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "loopwatch"]
    assert (await get(LoopWatch(get_asgi_application()), "/quick/")).status == 200
    assert "INSTALLED_APPS" in caplog.text


async def test_a_monitor_that_cannot_start_does_not_stop_the_site(monkeypatch, caplog):
    monkeypatch.setattr(
        threading.Thread, "start", lambda _thread: (_ for _ in ()).throw(RuntimeError("no threads left"))
    )
    sent = []

    async def application(scope, receive, send):
        sent.append(scope["path"])

    await LoopWatch(application)({"type": "http", "path": "/served/"}, None, None)
    assert sent == ["/served/"]
    assert "no threads left" in caplog.text
    monkeypatch.undo()


def flask(environ, start_response):
    """An application for WSGI that is not Django's."""


@pytest.mark.parametrize(
    ("mistake", "problem"),
    [
        (get_asgi_application, "does not take scope, receive and send"),
        (get_wsgi_application, "does not take scope, receive and send"),
        (get_wsgi_application(), "is a WSGI application"),
        (flask, "is a WSGI application"),
        (Chat, "is a class whose objects cannot be awaited"),
        (None, "cannot be called"),
        ("app", "cannot be called"),
    ],
)
def test_wrapping_an_object_that_is_no_application_raises(mistake, problem):
    with pytest.raises(TypeError, match=rf"{problem}: write LoopWatch\(get_asgi_application\(\)\)"):
        LoopWatch(mistake)


class Endpoint:
    """An application that is a class, as Starlette's endpoints are."""

    def __init__(self, scope, receive, send):
        pass

    def __await__(self):
        yield


@pytest.mark.parametrize("application", [Chat.as_asgi(), Endpoint, LoopWatch(Chat.as_asgi()), partial(print, end="")])
def test_every_form_of_an_application_is_accepted(application):
    assert LoopWatch(application).application is application


AT_EXIT = """
import asyncio, os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from django.conf import settings
settings.LOOPWATCH = {
    "SINKS": [], "FLUSH_INTERVAL_S": 60, "ON_BLOCKING_CALL": lambda call: print(call.method_name, flush=True)
}
import django
django.setup()
from loopwatch.asgi import LoopWatch

async def application(scope, receive, send):
    time.sleep(0.08)

asyncio.run(LoopWatch(application)({"type": "http", "path": "/"}, None, None))
"""


def test_pending_stalls_are_written_when_the_process_exits():
    done = run([sys.executable, "-c", AT_EXIT])
    assert (done.stdout.split(), done.returncode) == (["time.sleep"], 0), done.stderr


def test_a_server_that_does_not_run_asyncio_is_served_without_loopwatch(caplog):
    served = []

    async def application(scope, receive, send):
        served.append(scope["path"])

    for url in ("/first/", "/second/"):
        with pytest.raises(StopIteration):
            LoopWatch(application)({"type": "http", "path": url}, None, None).send(None)
    assert served == ["/first/", "/second/"]
    assert [record.getMessage() for record in caplog.records] == [
        "This process runs without loopwatch, because its server does not run asyncio."
    ]
