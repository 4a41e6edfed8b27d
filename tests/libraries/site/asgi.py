"""The site as an ASGI application. What its libraries import when first used is imported here, not by a request."""

import os

import anyio._backends._asyncio
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.libraries.site.settings")
django_application = get_asgi_application()

from loopwatch.asgi import LoopWatch  # noqa: E402
from tests.libraries.site import urls  # noqa: E402

application = LoopWatch(django_application)

__all__ = ["anyio", "application", "urls"]
