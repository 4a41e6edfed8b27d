"""A site with a view that blocks until a file exists; it appends what each stall cost others to another file.

The view waits first until all other requests have ended, since an answer may reach its client before that. With
``?beside=3`` it blocks beside three of them.
"""

import asyncio
import json
import os
import time
from pathlib import Path

from django.conf import settings

FOLDER = Path(os.environ["CROWD_FOLDER"])
BLOCKED, GO, REPORTS = FOLDER / "blocked", FOLDER / "go", FOLDER / "reports"


def note(call):
    if call.function.endswith(".block"):
        kept_out = call.kept_out
        routes = sorted({request.route for request in kept_out.described})
        with REPORTS.open("a") as file:
            print(json.dumps([call.waiting, kept_out.count, kept_out.waited_ms, call.step_ms, routes]), file=file)


settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="crowd",
    INSTALLED_APPS=["django.contrib.contenttypes", "loopwatch"],
    LOOPWATCH={"SINKS": [], "ON_BLOCKING_CALL": note, "THRESHOLD_MS": 100},
)

from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from loopwatch.asgi import LoopWatch  # noqa: E402


def block():
    BLOCKED.touch()
    while not GO.exists():
        time.sleep(0.01)
    GO.unlink()
    time.sleep(0.2)  # a stall, even if the file was there at once


async def blocking(request):
    beside = int(request.GET.get("beside", 0))
    while application.in_flight != beside + 1:
        await asyncio.sleep(0.001)
    block()
    return HttpResponse("blocked")


async def waiting(request):
    await application.released.wait()
    return HttpResponse("waited")


async def release(request):
    application.released.set()
    application.released = asyncio.Event()
    return HttpResponse("released")


async def quick(request):
    return HttpResponse("quick")


class Counted:
    """Counts the requests that loopwatch may still take for requests in flight."""

    def __init__(self, watched):
        self.in_flight = 0
        self.released = asyncio.Event()
        self._watched = watched

    async def __call__(self, scope, receive, send):
        self.in_flight += scope["type"] == "http"
        try:
            await self._watched(scope, receive, send)
        finally:
            self.in_flight -= scope["type"] == "http"


urlpatterns = [
    path("block/", blocking),
    path("wait/", waiting),
    path("release/", release),
    path("quick/", quick),
    path("", quick),
]
application = Counted(LoopWatch(get_asgi_application()))
