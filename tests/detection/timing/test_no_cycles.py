"""What a task that has failed refers to is freed with the task, without the garbage collector."""

import asyncio
import gc
import weakref
from contextlib import nullcontext

import pytest

from loopwatch import strict, watch

LOOPS = ["asyncio", "uvloop"]
BLOCKS = {
    "bare": nullcontext,
    "watched": watch,
    "traced": lambda: watch(engine="tracing"),
    "strict": strict,
}


class Held:
    """Stands for the body of a request, or a connection."""


@pytest.fixture
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def fail(held):
    of_the_task = Held()
    held.append(weakref.ref(of_the_task))
    await asyncio.sleep(0)
    raise LookupError


async def await_a_task(held):
    await asyncio.create_task(fail(held))


async def await_a_thread(held):
    def work():
        of_the_work = Held()
        held.append(weakref.ref(of_the_work))
        raise LookupError

    await asyncio.to_thread(work)


async def hang(held):
    of_the_task = Held()
    held.append(weakref.ref(of_the_task))
    asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
    await asyncio.sleep(60)


def loop_factory_of(loop):
    return pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else asyncio.new_event_loop


def still_held(loop, ends):
    """Return what is left of the objects of a task that has failed, after the loop has turned a few times."""
    held = []

    async def main():
        task = asyncio.create_task(ends(held))
        await asyncio.wait({task})
        task.cancelled() or task.exception()
        del task
        for _ in range(3):
            await asyncio.sleep(0.001)
        return [each() for each in held]

    with asyncio.Runner(loop_factory=loop_factory_of(loop)) as runner:
        return runner.run(main())


@pytest.mark.parametrize("ends", [fail, await_a_task, await_a_thread, hang])
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_what_a_failed_task_refers_to_is_freed_with_it(uncollected, block, loop, ends):
    with block():
        assert still_held(loop, ends) == [None]


@pytest.mark.parametrize("loop", LOOPS)
def test_so_it_is_on_a_loop_that_is_not_watched_beside_one_that_is(uncollected, loop):
    async def main():
        with watch():
            return await asyncio.to_thread(still_held, loop, fail)

    assert asyncio.run(main()) == [None]


class Client(asyncio.Protocol):
    def __init__(self):
        self.is_lost = asyncio.Event()

    def connection_made(self, transport):
        transport.abort()

    def connection_lost(self, _):
        self.is_lost.set()


async def is_left_of_a_client():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    _, client = await loop.create_connection(Client, *server.sockets[0].getsockname())
    await client.is_lost.wait()
    server.close()
    return weakref.ref(client)


async def is_left_of_a_stream():
    is_done = asyncio.Event()
    server = await asyncio.start_server(lambda _, writer: (writer.close(), is_done.set()), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    protocol = weakref.ref(writer.transport.get_protocol())
    await asyncio.gather(reader.read(), is_done.wait())
    writer.close()
    await writer.wait_closed()
    server.close()
    return protocol


@pytest.mark.parametrize("left", [is_left_of_a_client, is_left_of_a_stream])
@pytest.mark.parametrize("block", [nullcontext, watch], ids=["bare", "watched"])
def test_a_protocol_is_freed_with_its_connection(uncollected, block, left):
    async def main():
        found = await left()
        while found() is not None:
            await asyncio.sleep(0.001)

    with block(), asyncio.Runner(loop_factory=loop_factory_of("uvloop")) as runner:
        runner.run(asyncio.wait_for(main(), 60))
