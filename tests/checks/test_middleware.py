import inspect
import itertools
import threading

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import async_only_middleware, sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from tests.support.asgi import get

pytestmark = pytest.mark.usefixtures("served")
W003 = "loopwatch.W003"
entered_on = []


def note_thread():
    entered_on.append(threading.get_ident())


def sync_one(get_response):
    def middleware(request):
        note_thread()
        return get_response(request)

    return middleware


def sync_two(get_response):
    return sync_one(get_response)


@async_only_middleware
def async_one(get_response):
    async def middleware(request):
        note_thread()
        return await get_response(request)

    return middleware


@sync_and_async_middleware
def both(get_response):
    return async_one(get_response) if is_async(get_response) else sync_one(get_response)


def is_async(get_response):
    return inspect.iscoroutinefunction(get_response)


class Mixed(MiddlewareMixin):
    """Made for both by Django's own mixin."""


asked = []


class Computing:
    """Middleware that computes its capabilities."""

    @property
    def sync_capable(self):
        asked.append("sync_capable")
        return False


class Asked:
    def __getattr__(self, name):
        asked.append(name)
        return False


class OfMetaclass(metaclass=type("Meta", (type,), {"__getattr__": Asked.__getattr__})):
    """Middleware whose metaclass is asked for its capabilities."""


computing, of_getattr, lazy = Computing(), Asked(), SimpleLazyObject(lambda: asked.append("evaluated"))


def explode(get_response):
    raise AssertionError("a check must not start middleware")


async def view(request):
    note_thread()
    return HttpResponse()


urlpatterns = [path("", view)]


def dotted(*middleware):
    return [f"{__name__}.{each.__name__}" for each in middleware]


def test_sync_only_middleware_is_named_in_its_order(settings, found):
    settings.MIDDLEWARE = dotted(both, sync_two, Mixed, sync_one)
    (message,) = found(W003)
    assert f"2 of 4 middleware can only run in a thread: '{__name__}.sync_two', '{__name__}.sync_one' " in message.msg


@pytest.mark.parametrize("middleware", [(), (both,), (async_one, both), (Mixed,)])
def test_middleware_that_can_run_on_the_loop_gives_no_warning(settings, found, middleware):
    settings.MIDDLEWARE = [*dotted(*middleware), "django.middleware.security.SecurityMiddleware"]
    assert not found(W003)


@pytest.mark.parametrize(
    "middleware",
    [
        (sync_one,),
        (sync_one, sync_two),
        (both, sync_one, both),
        (sync_one, both, sync_two),
        (sync_one, async_one, sync_two),
        (sync_one, both, async_one, both, sync_two, both),
        (async_one, both, sync_one),
    ],
)
async def test_the_reported_changes_of_threads_are_those_of_a_real_request(settings, found, middleware):
    settings.MIDDLEWARE = dotted(*middleware)
    (message,) = found(W003)
    entered_on.clear()
    with override_settings(ROOT_URLCONF=__name__):
        await get(ASGIHandler(), "/")
    on_loop = [True, *(thread == threading.get_ident() for thread in entered_on)]
    changes = sum(before != after for before, after in itertools.pairwise(on_loop))
    assert f"changes threads {changes} times" in message.msg


def test_the_check_does_not_instantiate_middleware(settings, found):
    settings.MIDDLEWARE = dotted(explode)
    assert len(found(W003)) == 1


def test_middleware_that_does_not_import_is_left_to_django(settings, found):
    settings.MIDDLEWARE = ["nowhere.middleware"]
    assert not found(W003)


@pytest.mark.parametrize("name", ["computing", "of_getattr", "lazy", "OfMetaclass"])
def test_middleware_whose_code_would_have_to_run_is_not_asked_and_is_left_to_django(name, settings, found):
    asked.clear()
    settings.MIDDLEWARE = [f"{__name__}.{name}"]
    assert not found(W003)
    assert asked == []


def test_the_check_of_middleware_can_be_silenced(settings, found):
    settings.MIDDLEWARE = dotted(sync_one)
    settings.SILENCED_SYSTEM_CHECKS = [W003]
    (message,) = found(W003)
    assert message.is_silenced()
