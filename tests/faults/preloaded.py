"""The site as a master process loads it that has served a request itself before it forks its workers."""

import asyncio

from tests.faults.application import application
from tests.support.asgi import get

asyncio.run(get(application, "/stall/"))

__all__ = ["application"]
