"""What an ASGI application wraps and routes to, found without serving a request."""

from importlib import import_module

import pytest
from channels.consumer import AsyncConsumer
from channels.middleware import BaseMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path
from django.utils.functional import SimpleLazyObject

from loopwatch.asgi import LoopWatch
from loopwatch.asgi_layers import consumer_for, layers
from loopwatch.request_route import describe_request


class Chat(AsyncConsumer):
    pass


async def page(scope, receive, send):
    """An application without layers."""


class Wrapper:
    def __init__(self, app=None):
        self.app = app

    async def __call__(self, scope, receive, send):
        """Pass nothing on."""


class Mount:
    """A route as Starlette has it: with an application, but without a pattern of Django's."""

    def __init__(self, app, path="/legacy"):
        self.app, self.path = app, path


class Raising(Wrapper):
    @property
    def routes(self):
        raise RuntimeError("not yet")


routed = LoopWatch(
    ProtocolTypeRouter(
        {
            "http": page,
            "websocket": BaseMiddleware(
                URLRouter(
                    [
                        path("other/", page),
                        path("ws/", URLRouter([re_path(r"^room/(?P<name>[a-z]+)/$", Chat.as_asgi())])),
                    ]
                )
            ),
        }
    )
)


def mounted(*paths):
    router = Wrapper()
    router.routes = [Mount(routed, path) for path in paths or ["/legacy"]]
    return router


@pytest.mark.parametrize(
    ("protocol", "path", "found"),
    [
        ("websocket", "/ws/room/tea/", ("ws/^room/(?P<name>[a-z]+)/$", Chat)),
        ("websocket", "/ws/room/7/", ("ws/", None)),
        ("websocket", "/elsewhere/", ("", None)),
        ("http", "/ws/room/tea/", ("", None)),
        ("lifespan", "", ("", None)),
    ],
)
def test_a_request_is_followed_through_middleware_and_routers_to_its_consumer(protocol, path, found):
    assert consumer_for(routed, protocol, path) == found


def test_a_request_is_followed_through_a_router_of_another_framework_only_to_what_it_mounts_at_the_root():
    assert consumer_for(mounted("/legacy", ""), "websocket", "/ws/room/tea/")[1] is Chat
    with pytest.raises(LookupError):
        consumer_for(mounted(), "websocket", "/ws/room/tea/")


@pytest.mark.parametrize(("mount", "route"), [("/legacy", ""), ("", "quick/")])
def test_a_request_that_another_framework_may_have_served_has_no_route_of_django(settings, mount, route):
    settings.ROOT_URLCONF = "tests.site_urls"
    import_module(settings.ROOT_URLCONF)
    assert describe_request(mounted(mount), "http", "GET", "/quick/", "").route == route


def test_every_layer_is_found_below_a_router_of_another_framework():
    found = [layer.application for layer in layers(mounted())]
    assert routed in found
    assert page in found


def test_an_application_around_itself_ends_the_search():
    circle = Wrapper()
    circle.app = circle
    assert [layer.application for layer in layers(circle)] == [circle]
    assert consumer_for(circle, "http", "/") == ("", None)


@pytest.mark.parametrize("application", [routed, Chat.as_asgi()], ids=["routed", "consumer"])
def test_a_request_is_followed_through_a_lazy_object_that_serves_it(application):
    assert consumer_for(SimpleLazyObject(lambda: application), "websocket", "/ws/room/tea/")[1] is Chat


def test_a_property_that_raises_hides_nothing_else():
    raising = Raising(routed)
    assert routed in [layer.application for layer in layers(raising)]
    assert consumer_for(raising, "websocket", "/ws/room/tea/")[1] is Chat
