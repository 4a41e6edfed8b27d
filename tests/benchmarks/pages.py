"""A Django site with pages as real sites have them, for a server that one variant watches."""

import logging
import os
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.utils import timezone

from tests.benchmarks import site
from tests.benchmarks.load import Question
from tests.benchmarks.variants import BY_NAME, SILK, Variant

VARIANT_VARIABLE = "LOOPWATCH_BENCHMARK_VARIANT"
PAGE_VARIABLE = "LOOPWATCH_BENCHMARK_PAGE"
SESSION = "a0" * 16
ROWS = 20
STALL_S = 0.1
"""Twice the threshold."""
TEXT = b"Does anyone know this book?"
MASK = bytes(4)
"""Clients must mask what they send; with zeros, the text stays as it is."""

LIST = """<!doctype html><title>Groups</title><p>You are {{ user.get_username|default:"a guest" }}.</p>
<table>{% for group in groups %}<tr class="{% cycle 'odd' 'even' %}"><td>{{ forloop.counter }}<td>{{ group.name }}
<td><a href="/groups/{{ group.pk }}/">{{ group.name|title|truncatechars:20 }}</a>{% endfor %}</table>"""


def _get(url: str) -> Question:
    lines = f"GET /{url}/ HTTP/1.1", "Host: localhost", f"Cookie: sessionid={SESSION}", "Accept: text/html", "", ""
    return Question("\r\n".join(lines).encode())


ECHO = Question(
    b"\x81" + bytes([0x80 | len(TEXT)]) + MASK + TEXT,
    b"GET /echo/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    b"\x81" + bytes([len(TEXT)]) + TEXT,
)
STALL = _get("stall")
PAGES = {"view": _get("view"), "account": _get("account"), "groups": _get("groups"), "echo": ECHO}
WITHOUT_MIDDLEWARE = ("view", "echo")


async def view(_request: HttpRequest) -> HttpResponse:
    return _short("ok")


async def account(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    if not user.is_authenticated:
        raise PermissionDenied
    return _short(f"You are {user.get_username()}.")


def groups(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth.models import Group
    from django.template import engines

    template = engines["django"].from_string(LIST) if not kept else kept[0]
    kept[:] = [template]
    found = Group.objects.order_by("name")[:ROWS]
    return HttpResponse(template.render({"groups": found, "user": request.user}, request))


async def stall(_request: HttpRequest) -> HttpResponse:
    time.sleep(STALL_S)
    return _short("at last")


def _short(text: str) -> HttpResponse:
    """Without its length, a server sends it in chunks."""
    return HttpResponse(text, headers={"Content-Length": str(len(text))})


kept: list[Any] = []
"""The template, which a loader of Django keeps, too."""


def fill_database() -> None:
    """The rows that the pages show, and the session of somebody who has logged in."""
    from django.contrib import auth
    from django.contrib.auth.models import Group, User
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    Group.objects.bulk_create(Group(name=f"readers of shelf {number:03}") for number in range(5 * ROWS))
    user = User.objects.create(username="ada")
    session = {
        auth.SESSION_KEY: str(user.pk),
        auth.BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
        auth.HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    expires = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key=SESSION, session_data=SessionStore().encode(session), expire_date=expires)


def _served(variant: Variant, page: str) -> Any:
    """Django's application and a WebSocket that echoes, in the hands of ``variant``."""
    middleware = [] if page in WITHOUT_MIDDLEWARE else site.STARTPROJECTS_MIDDLEWARE
    site.configure(
        engine=variant.engine or "sampling",
        middleware=[*variant.middleware, *middleware],
        thread_waits=variant.thread_waits,
        lookout=variant.lookout,
        urlconf=__name__,
    )
    from channels.generic.websocket import AsyncWebsocketConsumer
    from channels.routing import ProtocolTypeRouter, URLRouter
    from django.core.asgi import get_asgi_application

    class Echo(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            await self.send(text_data, bytes_data)

    routes = URLRouter([path("echo/", Echo.as_asgi())])
    return site.watched(variant, ProtocolTypeRouter({"http": get_asgi_application(), "websocket": routes}))


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{each.__name__}/", each) for each in (view, account, groups, stall)
]
if VARIANT_VARIABLE in os.environ:  # a server has imported this module
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.disable()
    application = _served(BY_NAME[os.environ[VARIANT_VARIABLE]], os.environ[PAGE_VARIABLE])
    if apps.is_installed(SILK.package):
        urlpatterns.append(path("silk/", include("silk.urls", namespace="silk")))
