"""A site with django-debug-toolbar and loopwatch's panel."""

import asyncio
import time

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.urls import include, path

PAGE = "<!doctype html><html lang=en><title>shop</title><body>sold</body></html>"


def always(request):
    return True


def sync_middleware(get_response):
    def middleware(request):
        return get_response(request)

    return middleware


async def sell(request):
    time.sleep(0.1)
    return HttpResponse(PAGE)


async def rest(request):
    await asyncio.sleep(0)
    return HttpResponse(PAGE)


def pack():
    time.sleep(0.2)


async def deliver(request):
    await asyncio.gather(sync_to_async(pack)(), sync_to_async(pack)())
    return HttpResponse(PAGE)


urlpatterns = [
    path("sell/", sell),
    path("rest/", rest),
    path("deliver/", deliver),
    path("__debug__/", include("debug_toolbar.urls")),
]
