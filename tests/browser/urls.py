import asyncio
import os
import time
from functools import partial
from pathlib import Path

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.http import HttpResponse
from django.urls import path

HOSTILE = "<img src=x onerror=alert(1)>.</td>.Zoë_نوع"


async def stall(request, milliseconds):
    time.sleep(milliseconds / 1000)
    return HttpResponse("ok")


async def other_stall(request, milliseconds):
    time.sleep(milliseconds / 1000)
    return HttpResponse("ok")


async def held(request):
    while Path(os.environ["SITE_GATE"]).exists():
        time.sleep(0.02)
    return HttpResponse("ok")


async def many(request, milliseconds):
    """Cause a number of stalls, one per step, each in another function."""
    for number in range(200):
        named(f"many_{number}")(milliseconds / 1000)
        await asyncio.sleep(0)
    return HttpResponse("ok")


async def hostile(request, milliseconds):
    named(HOSTILE)(milliseconds / 1000)
    return HttpResponse("ok")


def named(name):
    """Return a function of this name that sleeps."""

    def sleep(seconds):
        time.sleep(seconds)

    sleep.__code__ = sleep.__code__.replace(co_name=name, co_qualname=name)
    return sleep


async def forbidden(request):
    """Show a page that violates the policy and is not accessible."""
    script, picture, wide = "<script>alert(1)</script>", '<img src="/favicon.ico">', '<table width="5000"><td>x</table>'
    return HttpResponse(f"<!doctype html><title>x</title>{script}{picture}{wide}")


async def nothing(request):
    return HttpResponse(status=204)


urlpatterns = [
    path("stall/<int:milliseconds>/", stall),
    path("other/<int:milliseconds>/", other_stall),
    path("held/", held),
    path("many/<int:milliseconds>/", many),
    path("hostile/<int:milliseconds>/", hostile),
    path("forbidden/", forbidden),
    path("favicon.ico", nothing),
    path("static/<path:path>", partial(serve, insecure=True)),
    path("admin/", admin.site.urls),
]
