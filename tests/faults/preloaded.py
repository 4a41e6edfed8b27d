"""The site as a master process loads it that has served requests itself before it forks its workers."""

import asyncio
from contextlib import suppress

from loopwatch.signals import blocking_call
from tests.faults.application import application
from tests.support.asgi import get


async def serve_until_a_stall_is_detected():
    """Where the machine takes the CPU away, a stall is not recorded as one."""
    detected = asyncio.Event()
    loop = asyncio.get_running_loop()

    def note(sender, call, **_):
        loop.call_soon_threadsafe(detected.set)

    blocking_call.connect(note)
    try:
        while not detected.is_set():
            await get(application, "/stall/")
            with suppress(TimeoutError):
                await asyncio.wait_for(detected.wait(), 1)
    finally:
        blocking_call.disconnect(note)


asyncio.run(serve_until_a_stall_is_detected())

__all__ = ["application"]
