import sys
from unittest import mock

import pytest
from channels.consumer import SyncConsumer
from channels.generic.websocket import AsyncWebsocketConsumer, JsonWebsocketConsumer, WebsocketConsumer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.db import transaction
from django.urls import path
from django.utils.functional import SimpleLazyObject

import loopwatch.models
from loopwatch.asgi import LoopWatch
from loopwatch.checks import database_use
from loopwatch.models import Finding
from tests.checks.conftest import page

W006 = "loopwatch.W006"


class Querying(WebsocketConsumer):
    def connect(self):
        Finding.objects.count()


class QueryingByHelper(JsonWebsocketConsumer):
    def receive_json(self, content):
        def answer():
            return save(content)

        return answer()


def save(content):
    return Saver().save(content)


class Saver:
    @staticmethod
    def save(content):
        return loopwatch.models.Finding(**content)


class QueryingByImport(WebsocketConsumer):
    @transaction.atomic
    def connect(self):
        from django.contrib.auth.models import User as Visitor

        Visitor.objects.count()


class QueryingByParent(Querying):
    pass


class Echo(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data)
        return endless()


def endless():
    return Echo, endless()


class Proxy:
    """An object such as a remote proxy, which evaluates something for each attribute that it is asked for."""

    def __getattribute__(self, name):
        asked.append(name)
        raise AssertionError(name)


def wrapped_by_itself():
    pass


wrapped_by_itself.__wrapped__ = wrapped_by_itself
asked = []
proxy = Proxy()
lazy = SimpleLazyObject(lambda: asked.append("evaluated"))


class Odd(type):
    """A metaclass whose classes can be neither compared nor asked for an attribute."""

    def __getattribute__(cls, name):
        asked.append(name)
        raise AssertionError(name)

    def __eq__(cls, other):
        raise AssertionError

    __hash__ = None


class OfOddClass(metaclass=Odd):
    pass


class Holding(WebsocketConsumer):
    """A consumer that holds and names what must not be asked for an attribute, and then uses a model."""

    proxy, lazy, wrapped_by_itself, call = proxy, lazy, wrapped_by_itself, mock.call
    OfOddClass, odd = OfOddClass, OfOddClass()

    def connect(self):
        proxy.connect(lazy.name, site.proxy, site.lazy, OfOddClass, wrapped_by_itself)
        Finding.objects.count()


site = sys.modules[__name__]


class Async(AsyncWebsocketConsumer):
    async def connect(self):
        await Finding.objects.acount()


class Job(SyncConsumer):
    def tidy(self, message):
        Finding.objects.all().delete()


def routed(consumer):
    """Return an application that routes to a WebSocket consumer as sites do."""
    nested = URLRouter([path("room/", consumer.as_asgi())])
    guarded = AllowedHostsOriginValidator(SessionMiddlewareStack(URLRouter([path("ws/", nested)])))
    return LoopWatch(ProtocolTypeRouter({"http": page, "websocket": guarded}))


@pytest.mark.parametrize("consumer", [Querying, QueryingByHelper, QueryingByImport, QueryingByParent])
def test_a_synchronous_consumer_that_uses_a_model_is_named(application, found, consumer):
    application(routed(consumer))
    (message,) = found(W006)
    model = "django.contrib.auth.models.User" if consumer is QueryingByImport else "loopwatch.models.Finding"
    assert f"'{__name__}.{consumer.__name__}' ({model})" in message.msg


def test_nothing_that_a_consumer_holds_or_names_is_asked_for_an_attribute(application, found):
    application(routed(Holding))
    asked.clear()
    (message,) = found(W006)
    assert f"'{__name__}.Holding' (loopwatch.models.Finding)" in message.msg
    assert asked == []


def test_a_consumer_that_cannot_be_examined_gives_no_warning(application, found, monkeypatch):
    application(routed(Querying))
    monkeypatch.setattr(database_use, "namespace_of", raise_an_error)
    assert not found(W006)


def raise_an_error(_):
    raise RuntimeError


def test_a_consumer_of_a_worker_is_checked(application, found):
    application(LoopWatch(ProtocolTypeRouter({"channel": ChannelNameRouter({"tidy": Job.as_asgi()})})))
    assert len(found(W006)) == 1


@pytest.mark.parametrize("consumer", [Echo, Async])
def test_a_consumer_that_queries_nothing_or_is_asynchronous_is_not_named(application, found, consumer):
    application(routed(consumer))
    assert not found(W006)


def test_consumers_are_not_checked_if_the_application_does_not_import(settings, found):
    settings.ASGI_APPLICATION = "nowhere.asgi.application"
    assert not found(W006)
