"""Defines the site as an ASGI application."""

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from loopwatch.asgi import LoopWatch

django_application = get_asgi_application()

from loopwatch.live import consumers  # noqa: E402
from loopwatch.live.routing import websocket_urlpatterns  # noqa: E402

consumers.CHECK_INTERVAL_S = 1.0  # several tests wait for the next check of a permission

application = LoopWatch(
    ProtocolTypeRouter({"http": django_application, "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns))})
)
