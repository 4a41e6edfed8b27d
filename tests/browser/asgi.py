"""Defines the site as an ASGI application."""

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from loopwatch.asgi import LoopWatch

django_application = get_asgi_application()

from loopwatch.live.routing import websocket_urlpatterns  # noqa: E402

application = LoopWatch(
    ProtocolTypeRouter({"http": django_application, "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns))})
)
