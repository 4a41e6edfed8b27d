"""A site that answers ``GET /first/``, and goes on with it until a ``POST`` has been served.

Each answer says by its method which request loopwatch takes it for, and how many it takes to be in flight.
"""

import asyncio

from django.conf import settings

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="pipelined",
    INSTALLED_APPS=["django.contrib.contenttypes", "loopwatch"],
    LOOPWATCH={"SINKS": []},
)

from django.core.asgi import get_asgi_application  # noqa: E402

from loopwatch.asgi import LoopWatch  # noqa: E402
from loopwatch.detection.timing.in_flight import current_request  # noqa: E402

urlpatterns = []
posted = asyncio.Event()


async def serve(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    noted = current_request.get()
    body = f"{noted.describe().method}, {len(noted.in_flight.requests)} in flight".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    if scope["method"] == "POST":
        posted.set()
    elif scope["path"] == "/first/":
        await posted.wait()


get_asgi_application()  # sets Django up
application = LoopWatch(serve)
