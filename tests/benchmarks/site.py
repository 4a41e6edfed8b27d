"""A Django site with nothing but one async view, watched by one variant."""

import asyncio
import logging
import os
import sys
import threading
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.benchmarks.variants import BARE, BY_NAME, THRESHOLD_MS, Variant

DATABASE_VARIABLE = "LOOPWATCH_BENCHMARK_DATABASE"
VARIANT_VARIABLE = "LOOPWATCH_BENCHMARK_VARIANT"
STARTPROJECTS_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


async def ok(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("ok/", ok)]


def configure(
    *, engine: str = "sampling", middleware: list[str] = STARTPROJECTS_MIDDLEWARE, thread_waits: bool = True
) -> None:
    settings.configure(
        SECRET_KEY="benchmarks only",
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "loopwatch",
        ],
        MIDDLEWARE=middleware,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ[DATABASE_VARIABLE]}},
        LOGGING_CONFIG=None,
        LOOPWATCH={
            "THRESHOLD_MS": THRESHOLD_MS,
            "ENGINE": engine,
            "SINKS": ["database"],
            "THREAD_WAITS": thread_waits,
        },
    )
    django.setup()


def watched(variant: Variant) -> Any:
    """Django's ASGI application; in the hands of ``variant`` from its first scope on."""
    from django.core.asgi import get_asgi_application

    django_application: Any = get_asgi_application()
    if variant.is_in_app:
        from loopwatch.asgi import LoopWatch

        return LoopWatch(django_application)
    begun: list[Variant] = []
    served = variant.around(django_application)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if not begun:
            begun.append(variant)
            variant.begin()
            if variant.is_debug:
                asyncio.get_running_loop().set_debug(True)
        await served(scope, receive, send)

    return served if variant.begin is BARE.begin else application


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if VARIANT_VARIABLE in os.environ:  # a server has imported this module
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.disable()
    served_by = BY_NAME[os.environ[VARIANT_VARIABLE]]
    configure(engine=served_by.engine or "sampling")
    application = watched(served_by)
