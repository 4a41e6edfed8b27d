"""A Django site with nothing but one async view, watched by one variant."""

import asyncio
import os
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.benchmarks.variants import BARE, SILK, THRESHOLD_MS, Variant

DATABASE_VARIABLE = "LOOPWATCH_BENCHMARK_DATABASE"
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
    *,
    engine: str = "sampling",
    middleware: list[str] = STARTPROJECTS_MIDDLEWARE,
    thread_waits: bool = True,
    lookout: bool = False,
    urlconf: str = __name__,
) -> None:
    settings.configure(
        SECRET_KEY="benchmarks only",
        ROOT_URLCONF=urlconf,
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "loopwatch",
            *([SILK.package] if SILK.is_available else []),
        ],
        MIDDLEWARE=middleware,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ[DATABASE_VARIABLE]}},
        LOGGING_CONFIG=None,
        LOOPWATCH={
            "THRESHOLD_MS": THRESHOLD_MS,
            "ENGINE": engine,
            "SINKS": ["database"],
            "THREAD_WAITS": thread_waits,
            "LOOKOUT": lookout,
        },
    )
    django.setup()


def watched(variant: Variant, application: Any = None) -> Any:
    """An ASGI application, by default Django's; in the hands of ``variant`` from its first scope on."""
    from django.core.asgi import get_asgi_application

    inner: Any = application or get_asgi_application()
    if variant.is_in_app:
        from loopwatch.asgi import LoopWatch

        return LoopWatch(inner)
    begun: list[Variant] = []
    served = variant.around(inner)

    async def begin_and_serve(scope: Any, receive: Any, send: Any) -> None:
        if not begun:
            begun.append(variant)
            variant.begin()
            if variant.is_debug:
                asyncio.get_running_loop().set_debug(True)
        await served(scope, receive, send)

    return served if variant.begin is BARE.begin else begin_and_serve
