"""A site with a view that blocks the loop until a file exists, one that keeps the GIL, and signs of life."""

import os
import time
from pathlib import Path

from django.conf import settings

settings.LOOPWATCH = {
    "LIVENESS_ADDRESS": int(os.environ["SITE_LIVENESS_PORT"]),
    "LIVENESS_FILE": os.environ["SITE_LIVENESS_FILE"],
    "LIVENESS_AFTER_S": float(os.environ.get("SITE_LIVENESS_AFTER_S", "0.1")),
    "LOOKOUT": True,
}

from django.core.asgi import get_asgi_application  # noqa: E402

import loopwatch  # noqa: E402
from loopwatch.asgi import LoopWatch  # noqa: E402


def keep_the_gil():
    return 3**100_000_000  # takes minutes, in which no other thread runs


async def ward(scope, receive, send):
    body = b"well"
    if scope["path"] == "/block/":
        while not Path(os.environ["SITE_RELEASED"]).exists():
            time.sleep(0.01)
    elif scope["path"] == "/lookout/":
        body = loopwatch.stats().lookout.encode()
    elif scope["path"] == "/raise/":
        keep_the_gil()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


get_asgi_application()  # sets Django up
application = LoopWatch(ward)
