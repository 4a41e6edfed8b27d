"""A site with a view that blocks until a file exists; it appends what each stall cost others to another file."""

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
    LOOPWATCH={"SINKS": [], "ON_BLOCKING_CALL": note, "THRESHOLD_MS": 300},
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
    time.sleep(0.3)  # a stall, even if the file was there at once


async def blocking(request):
    block()
    return HttpResponse("blocked")


async def waiting(request):
    await asyncio.sleep(float(request.GET["s"]))
    return HttpResponse("waited")


async def quick(request):
    return HttpResponse("quick")


urlpatterns = [path("block/", blocking), path("wait/", waiting), path("quick/", quick), path("", quick)]
application = LoopWatch(get_asgi_application())
