"""No secret that a request brings along, or that lies about while it blocks, is stored, logged or shown."""

import asyncio
import io
import json
import logging
import threading
import time

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.apps import apps
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.urls import path, resolve

import loopwatch
from loopwatch import site_monitor
from loopwatch.asgi import LoopWatch
from loopwatch.signals import blocking_call

pytestmark = pytest.mark.real_time

SECRET = "hunter2"


class WrongPasswordError(Exception):
    """Raised with a secret in its text."""


def block_with(password, *, fails=False):
    token = f"token {password}"
    holder = {"password": password, token: [token.encode()]}
    time.sleep(0.06)
    if fails:
        raise WrongPasswordError(f"{password} is wrong", holder)
    return len(holder)


async def view(request, word):
    password = request.GET["password"]
    cookie = request.COOKIES["session"]
    body = request.body.decode()
    headers = dict(request.headers)
    block_with(password + cookie + body + headers["Authorization"] + word)
    return HttpResponse(password, headers={"X-Secret": password})


async def failing(request):
    try:
        block_with(request.GET["password"], fails=True)
    except WrongPasswordError as failure:
        time.sleep(0.06)  # while the exception is being handled
        raise ValueError(f"{failure} again") from failure


async def on_a_named_thread(request):
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name=f"thread of {SECRET}")
    thread.start()
    threading.current_thread().name, before = f"loop of {SECRET}", threading.current_thread().name
    try:
        block_with(SECRET)
    finally:
        threading.current_thread().name = before
        done.set()
        thread.join()
    return HttpResponse("done")


class Chat(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        block_with(text_data)
        await self.send(text_data=text_data)


urlpatterns = [path("view/<str:word>/", view), path("failing/", failing), path("thread/", on_a_named_thread)]


@pytest.fixture
def site(settings, caplog):
    """A site with every sink; code of its own raises with a secret in the text."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOOPWATCH = {"THRESHOLD_MS": 40, "FLUSH_INTERVAL_S": 0.05, "ON_BLOCKING_CALL": refuse}
    caplog.set_level(logging.DEBUG, "loopwatch")
    resolve("/failing/")
    yield LoopWatch(
        ProtocolTypeRouter(
            {
                "http": get_asgi_application(),
                "websocket": URLRouter([path("ws/<str:word>/", Chat.as_asgi())]),
            }
        )
    )
    assert site_monitor.stop(60)


def refuse(call):
    raise PermissionError(f"https://hooks.example/{SECRET}")


def scope(kind, path, **fields):
    headers = [(b"host", b"shop"), (b"authorization", f"Bearer {SECRET}".encode()), (b"referer", SECRET.encode())]
    cookies = [(b"cookie", f"session={SECRET}".encode())]
    return {
        "type": kind, "path": path, "raw_path": path.encode(), "query_string": f"password={SECRET}".encode(),
        "headers": headers + cookies, "scheme": "http", "http_version": "1.1", "client": (SECRET, 1), **fields,
    }  # fmt: skip


async def post(application, path, method="POST"):
    communicator = ApplicationCommunicator(application, scope("http", path, method=method))
    await communicator.send_input({"type": "http.request", "body": f"card={SECRET}".encode()})
    start = await communicator.receive_output(60)
    await communicator.receive_output(60)
    await communicator.wait(10)
    return start["status"]


async def chat(application):
    communicator = ApplicationCommunicator(application, scope("websocket", f"/ws/{SECRET}/", subprotocols=[SECRET]))
    await communicator.send_input({"type": "websocket.connect"})
    await communicator.receive_output(60)
    await communicator.send_input({"type": "websocket.receive", "text": SECRET})
    await communicator.receive_output(60)
    await communicator.send_input({"type": "websocket.disconnect", "code": 1000})
    await communicator.wait(10)


def stored():
    """Every value in every table of loopwatch."""
    tables = [model._meta.db_table for model in apps.get_app_config("loopwatch").get_models()]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")
            yield from ((table, value) for row in cursor.fetchall() for value in row)


def printed(command, *arguments):
    stdout = io.StringIO()
    call_command(command, *arguments, stdout=stdout)
    return stdout.getvalue()


@pytest.mark.django_db(transaction=True)
def test_no_secret_gets_into_a_table_a_log_line_or_a_report(site, caplog, settings):
    heard = []

    def hear(call, **_):
        heard.append(call)

    async def drive():
        assert await post(site, f"/view/{SECRET}/") == 200
        assert await post(site, "/view/x/", method=f"{SECRET}".upper()) == 200
        assert await post(site, f"/missing/{SECRET}/") == 404
        assert await post(site, "/failing/") == 500
        assert await post(site, "/thread/") == 200
        await chat(site)
        assert await asyncio.to_thread(site_monitor.flush, 30)

    blocking_call.connect(hear)
    try:
        asyncio.run(drive())
    finally:
        blocking_call.disconnect(hear)

    values = list(stored())
    text = json.dumps(values, default=str).lower()
    # What should be there is there: otherwise nothing was looked at.
    for part in ("block_with", "test_secrets.py", "time.sleep"):
        assert part in text
    for route in ("view/<str:word>/", "ws/<str:word>/", "failing/", "thread/"):
        assert route in text
    assert {table for table, _ in values} >= {
        "loopwatch_finding", "loopwatch_blockingevent", "loopwatch_hourlytotal", "loopwatch_processhealth"
    }  # fmt: skip
    assert SECRET not in text

    lines = [record for record in caplog.records if record.name.startswith("loopwatch")]
    assert any("block_with" in record.getMessage() for record in lines)
    assert any("raised PermissionError" in record.getMessage() for record in lines)
    formatter = logging.Formatter()
    for record in lines:
        assert SECRET not in (formatter.format(record) + repr(vars(record))).lower()

    reports = printed("loopwatch_report", "--status", "all"), printed("loopwatch_report", "--format", "json")
    assert all("block_with" in report and SECRET not in report.lower() for report in reports)

    stats = loopwatch.stats()
    assert stats.errors["callback"] == stats.seen
    assert SECRET not in repr(stats).lower()
    # Receivers run in the site, and get the method as it was sent; everything else is as harmless as what is stored.
    assert len(heard) == stats.seen
    assert SECRET not in repr([call for call in heard if call.request and call.request.method in ("", "POST")]).lower()


@pytest.mark.django_db(transaction=True)
def test_no_stored_path_leads_into_a_home_directory(site, settings):
    asyncio.run(post(site, "/failing/"))
    assert site_monitor.flush(30)
    text = json.dumps(list(stored()), default=str)
    assert "test_secrets.py" in text
    assert str(settings.BASE_DIR) not in text
    assert "site-packages" not in text
