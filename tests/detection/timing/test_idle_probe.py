"""A loop is idle when it has found nothing to do in two iterations: on asyncio and on uvloop."""

import asyncio
import socket
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

import pytest

from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.timing.idle_probe import IdleProbe
from loopwatch.detection.timing.watched_loops import LoopHooks

NO_UVLOOP = pytest.mark.skipif(find_spec("uvloop") is None, reason="There is no uvloop for this Python")
LOOPS = ["asyncio", pytest.param("uvloop", marks=NO_UVLOOP)]
TURNS = 20


@dataclass
class Times:
    """Observes the steps of a loop; begins to probe it at the end of the first one."""

    owner: object = None
    handle: object = None
    started: float = 0.0
    wants_step_begin: object = False
    ends_from_s: float = NEVER
    idle: list = field(default_factory=list)


@pytest.fixture(params=LOOPS)
def watched(request):
    """A loop whose steps are timed, and what times them."""
    loop, times, hooks = import_module(request.param).new_event_loop(), Times(), LoopHooks(lambda _loop: None)
    hooks.install(loop)
    hooks.watched[loop] = times
    yield loop, times
    hooks.uninstall()
    loop.close()


def probe(loop, times, until=NEVER):
    IdleProbe(loop, times, until, lambda: times.idle.append(now())).schedule()


def test_a_loop_without_anything_to_do_is_idle_at_once(watched):
    loop, times = watched

    async def rest():
        probe(loop, times)
        await asyncio.sleep(0.2)
        assert len(times.idle) == 1

    loop.run_until_complete(rest())


def test_a_loop_is_not_idle_while_its_tasks_have_something_to_do(watched):
    loop, times = watched

    async def work():
        probe(loop, times)
        for _ in range(TURNS):
            await asyncio.sleep(0)
            assert times.idle == []
        await asyncio.sleep(0.2)
        assert len(times.idle) == 1

    loop.run_until_complete(work())


def test_a_loop_is_not_idle_while_there_is_something_to_read(watched):
    loop, times = watched
    mine, others = socket.socketpair()
    read = []

    def reader():
        read.append(mine.recv(1))
        assert times.idle == []

    async def receive():
        loop.add_reader(mine, reader)
        others.sendall(b"x" * TURNS)
        probe(loop, times)
        await asyncio.sleep(0.2)
        assert len(times.idle) == 1
        loop.remove_reader(mine)

    with mine, others:
        loop.run_until_complete(receive())
    assert len(read) == TURNS


def test_a_loop_is_not_idle_while_there_are_connections_to_accept(watched):
    loop, times = watched
    was_idle = []

    class Receiver(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            was_idle.append(bool(times.idle))
            self.transport.close()

    async def serve(listener):
        server = await loop.create_server(Receiver, sock=listener)
        probe(loop, times)
        await asyncio.sleep(0.2)
        server.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = [socket.create_connection(listener.getsockname()) for _ in range(TURNS)]
        for client in clients:
            client.sendall(b"x")
        loop.run_until_complete(serve(listener))
        for client in clients:
            client.close()
    assert was_idle == [False] * TURNS
    assert len(times.idle) == 1


def test_the_probe_of_a_loop_that_is_always_busy_ends_in_time(watched):
    loop, times = watched

    async def work():
        until = now() + 0.1
        probe(loop, times, until)
        while not times.idle:
            await asyncio.sleep(0)
        assert times.idle[0] >= until

    loop.run_until_complete(asyncio.wait_for(work(), 30))
