"""A site with a view that blocks the loop until a file exists, and a sign of life."""

import os
import time
from pathlib import Path

from django.conf import settings

settings.LOOPWATCH = {"LIVENESS_ADDRESS": int(os.environ["SITE_LIVENESS_PORT"]), "LIVENESS_AFTER_S": 0.1}

from django.core.asgi import get_asgi_application  # noqa: E402

from loopwatch.asgi import LoopWatch  # noqa: E402


async def ward(scope, receive, send):
    if scope["path"] == "/block/":
        while not Path(os.environ["SITE_RELEASED"]).exists():
            time.sleep(0.01)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})


get_asgi_application()  # sets Django up
application = LoopWatch(ward)
