"""A loop is idle when it has found nothing to do in two iterations: on asyncio and on uvloop."""

import asyncio
import contextlib
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
    ended: float = 0.0
    wants_step_begin: object = False
    gap_from_s: float = NEVER
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
    """Begin to probe; return an event that is set when the loop is idle."""
    is_idle = asyncio.Event()

    def note():
        times.idle.append(now())
        is_idle.set()

    IdleProbe(loop, times, until, note).schedule()
    return is_idle


async def turn():
    for _ in range(TURNS):
        await asyncio.sleep(0)


def test_a_loop_without_anything_to_do_is_idle_once(watched):
    loop, times = watched

    async def rest():
        await probe(loop, times).wait()
        await asyncio.sleep(0.01)  # the loop rests

    loop.run_until_complete(rest())
    assert len(times.idle) == 1


def test_a_loop_is_not_idle_while_its_tasks_have_something_to_do(watched):
    loop, times = watched

    async def work():
        is_idle = probe(loop, times)
        await turn()
        assert times.idle == []
        await is_idle.wait()

    loop.run_until_complete(work())


def test_a_loop_is_not_idle_while_there_is_something_to_read(watched):
    loop, times = watched
    mine, others = socket.socketpair()
    was_idle = []

    def reader():
        mine.recv(1)
        was_idle.append(bool(times.idle))

    async def receive():
        loop.add_reader(mine, reader)
        others.sendall(b"x" * TURNS)
        await probe(loop, times).wait()
        loop.remove_reader(mine)

    with mine, others:
        loop.run_until_complete(receive())
    assert was_idle == [False] * TURNS


def test_a_loop_is_not_idle_while_there_are_connections_to_accept(watched, tmp_path, monkeypatch):
    """Those of a Unix socket are there as soon as they are made; the kernel may deliver others a moment later."""
    monkeypatch.chdir(tmp_path)  # the length of a socket's path is limited
    loop, times = watched
    was_idle = []

    class Receiver(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            was_idle.append(bool(times.idle))
            self.transport.close()

    async def serve(listener):
        server = await loop.create_unix_server(Receiver, sock=listener)
        await probe(loop, times).wait()
        server.close()

    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind("listener")
        listener.listen(TURNS)
        for _ in range(TURNS):
            client = opened.enter_context(socket.socket(socket.AF_UNIX))
            client.connect("listener")
            client.sendall(b"x")
        loop.run_until_complete(serve(listener))
    assert was_idle == [False] * TURNS


def test_the_probe_of_a_loop_that_is_always_busy_ends_in_time(watched):
    loop, times = watched

    async def work():
        until = now() + 0.1
        is_idle = probe(loop, times, until)
        while not is_idle.is_set():
            await asyncio.sleep(0)
        assert times.idle[0] >= until

    loop.run_until_complete(work())
