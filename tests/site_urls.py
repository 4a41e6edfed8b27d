"""A site that blocks in several ways, for the tests of the ASGI wrapper."""

import asyncio
import time

from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


async def home(request: HttpRequest) -> HttpResponse:
    time.sleep(0.06)
    return HttpResponse("home")


async def block(request: HttpRequest, pk: int) -> HttpResponse:
    time.sleep(0.06)
    return HttpResponse("blocked")


async def child(request: HttpRequest) -> HttpResponse:
    async def inner() -> None:
        time.sleep(0.06)

    await asyncio.create_task(inner())
    return HttpResponse("child")


async def in_pieces(request: HttpRequest) -> HttpResponse:
    for _ in range(3):
        await asyncio.sleep(0)
        time.sleep(0.06)
    return HttpResponse("pieces")


async def quick(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("quick")


def synchronous(request: HttpRequest) -> HttpResponse:
    time.sleep(0.06)
    return HttpResponse("sync")


urlpatterns = [
    path("", home),
    path("shop/", include([path("<int:pk>/", block)])),
    path("child/", child),
    path("pieces/", in_pieces),
    path("quick/", quick),
    path("sync/", synchronous),
    *i18n_patterns(path("greeting/", block, {"pk": 1})),
]
