"""Tells the browser's developer tools how long a request took, for sync and async sites alike."""

import time
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

SyncHandler = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def server_timing(get_response: SyncHandler | AsyncHandler) -> SyncHandler | AsyncHandler:
    if iscoroutinefunction(get_response):
        return timed_async(cast("AsyncHandler", get_response))
    return timed_sync(cast("SyncHandler", get_response))


def timed_async(get_response: AsyncHandler) -> AsyncHandler:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        return with_timing(await get_response(request), started)

    return middleware


def timed_sync(get_response: SyncHandler) -> SyncHandler:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        return with_timing(get_response(request), started)

    return middleware


def with_timing(response: HttpResponseBase, started: float) -> HttpResponseBase:
    response["Server-Timing"] = f"app;dur={(time.perf_counter() - started) * 1000:.1f}"
    return response
