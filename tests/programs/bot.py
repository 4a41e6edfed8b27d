"""A program named "bot" whose loop stalls, and what of it is reported."""

import asyncio
import signal
import threading
import time
from asyncio.events import Handle

from loopwatch import recording
from loopwatch.detection.calls import Request

BARE_RUN = Handle._run
BOT = Request("program", route="bot")

reports = []


def leftovers():
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("loopwatch")]
    return threads, Handle._run, signal.getsignal(signal.SIGTERM)


def named():
    """The routes of the stalls that are reported, in their order."""
    return [call.request and call.request.route for call in reports if call.method_name == "time.sleep"]


async def stall():
    time.sleep(0.06)
    await asyncio.sleep(0)


def around_a_loop():
    with recording(name="bot"):
        asyncio.run(stall())
