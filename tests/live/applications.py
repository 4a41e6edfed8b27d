"""Defines ASGI applications such as sites have, with and without a route to the live page."""

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

from loopwatch.asgi import LoopWatch
from loopwatch.live.consumers import LiveConsumer
from loopwatch.live.routing import websocket_urlpatterns

django_application = get_asgi_application()


class OwnConsumer(LiveConsumer):
    pass


def routed(*routes):
    return LoopWatch(ProtocolTypeRouter({"http": django_application, "websocket": URLRouter(list(routes))}))


plain = LoopWatch(django_application)
usual = routed(*websocket_urlpatterns)
wrapped = ProtocolTypeRouter(
    {
        "http": LoopWatch(django_application),
        "websocket": LoopWatch(AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))),
    }
)
nested = routed(path("ws/", URLRouter([path("stalls", OwnConsumer.as_asgi())])))
by_regex = routed(re_path(r"^ws/live/$", LiveConsumer.as_asgi()))
with_parameter = routed(path("ws/<slug:name>/", LiveConsumer.as_asgi()))
without = routed(path("ws/", django_application))
