"""The site as an ASGI application: HTTP by Django, WebSockets by Channels, both watched."""

import gc
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

import testproject.urls  # noqa: E402, F401 - or the first request would hold up the loop with its imports
from loopwatch.asgi import LoopWatch  # noqa: E402
from loopwatch.live.routing import websocket_urlpatterns as live_urlpatterns  # noqa: E402
from testproject.chat.routing import websocket_urlpatterns as chat_urlpatterns  # noqa: E402

application = LoopWatch(
    ProtocolTypeRouter(
        {
            "http": django_application,
            "websocket": AllowedHostsOriginValidator(
                AuthMiddlewareStack(URLRouter([*chat_urlpatterns, *live_urlpatterns]))
            ),
        }
    )
)

# What start-up made stays for good. Without this, every full garbage collection looks through all of it again, and
# holds up the loop for some 100 ms on a slow machine.
gc.collect()
gc.freeze()
