"""``LoopWatch`` around applications with and without a lifespan."""

import asyncio
import contextlib
import threading
from asyncio.events import Handle
from concurrent.futures import ThreadPoolExecutor

import pytest
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from loopwatch.asgi import LoopWatch
from tests.support.asgi import get
from tests.wrapper.served import BARE_RUN, reports

pytestmark = pytest.mark.real_time


class Lifespan:
    """The server's side of the lifespan protocol."""

    def __init__(self, application):
        self.sent = asyncio.Queue()
        self.to_send = asyncio.Queue()
        self.task = asyncio.create_task(application({"type": "lifespan"}, self.to_send.get, self.sent.put))

    async def event(self, name):
        await self.to_send.put({"type": f"lifespan.{name}"})
        answer = asyncio.create_task(self.sent.get())
        await asyncio.wait({answer, self.task}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        if answer.done():
            return answer.result()["type"]
        answer.cancel()
        return self.task.exception()


@pytest.mark.parametrize(
    "application",
    [get_asgi_application(), ProtocolTypeRouter({"http": get_asgi_application()})],
    ids=["django", "channels"],
)
async def test_lifespan_is_answered_for_an_application_without_one(application):
    wrapped = LoopWatch(application)
    lifespan = Lifespan(wrapped)
    assert await lifespan.event("startup") == "lifespan.startup.complete"
    assert Handle._run is not BARE_RUN
    await get(wrapped, "/shop/1/")
    assert await lifespan.event("shutdown") == "lifespan.shutdown.complete"
    assert len(reports) == 1
    assert Handle._run is BARE_RUN
    await lifespan.task


async def test_the_lifespan_is_passed_to_an_application_that_has_one():
    seen = []

    async def application(scope, receive, send):
        for _ in range(2):
            message = await receive()
            seen.append(message["type"])
            await send({"type": f"{message['type']}.complete"})

    lifespan = Lifespan(LoopWatch(application))
    assert await lifespan.event("startup") == "lifespan.startup.complete"
    assert await lifespan.event("shutdown") == "lifespan.shutdown.complete"
    await lifespan.task
    assert seen == ["lifespan.startup", "lifespan.shutdown"]


async def test_the_shutdown_is_confirmed_while_a_call_holds_the_threads_of_the_loop():
    go_on, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    held = loop.run_in_executor(None, go_on.wait)
    lifespan = Lifespan(LoopWatch(get_asgi_application()))
    try:
        assert await lifespan.event("startup") == "lifespan.startup.complete"
        async with asyncio.timeout(30):
            assert await lifespan.event("shutdown") == "lifespan.shutdown.complete"
    finally:
        go_on.set()
    await lifespan.task
    await held


async def test_a_lifespan_that_raises_at_start_up_still_raises():
    async def application(scope, receive, send):
        await receive()
        raise RuntimeError("no database")

    lifespan = Lifespan(LoopWatch(application))
    assert isinstance(await lifespan.event("startup"), RuntimeError)
    with contextlib.suppress(RuntimeError):
        await lifespan.task
