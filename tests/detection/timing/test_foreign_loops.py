"""A watched uvloop takes the same calls, and logs the same names, as an unwatched one."""

import asyncio
import inspect
import os
import signal
import socket
import sys
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from fractions import Fraction

import pytest

from loopwatch import watch
from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.timing.foreign_loops import LoopMethods
from loopwatch.detection.timing.steps import EVERY_STEP

uvloop = pytest.importorskip("uvloop")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")

WATCHED_OR_NOT = pytest.mark.parametrize("watching", [nullcontext, watch], ids=["bare", "watched"])


def run(main):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


@WATCHED_OR_NOT
def test_a_callback_may_be_passed_by_its_name(watching):
    called = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.call_soon(callback=lambda: called.append("soon"))
        loop.call_later(delay=0, callback=lambda: called.append("later"))
        loop.call_at(when=0, callback=lambda: called.append("at"))
        loop.call_soon_threadsafe(callback=lambda: called.append("threadsafe"))
        loop.add_signal_handler(sig=signal.SIGUSR1, callback=lambda: called.append("signal"))
        loop.call_exception_handler(context={"message": "nothing happened"})
        os.kill(os.getpid(), signal.SIGUSR1)
        while len(called) < 5:
            await asyncio.sleep(0)

    with watching():
        run(main)
    assert sorted(called) == ["at", "later", "signal", "soon", "threadsafe"]


@WATCHED_OR_NOT
@pytest.mark.parametrize("arguments", [(), (1,), (1, 2), ((),)], ids=repr)
def test_a_callback_gets_its_arguments(arguments, watching):
    called = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda *args: called.append(("soon", *args)), *arguments)
        loop.call_later(0, lambda *args: called.append(("later", *args)), *arguments)
        loop.call_at(0, lambda *args: called.append(("at", *args)), *arguments)
        await asyncio.to_thread(
            loop.call_soon_threadsafe, lambda *args: called.append(("threadsafe", *args)), *arguments
        )
        while len(called) < 4:
            await asyncio.sleep(0)

    with watching():
        run(main)
    assert sorted(called) == [(name, *arguments) for name in ("at", "later", "soon", "threadsafe")]


@WATCHED_OR_NOT
@pytest.mark.parametrize("delay", [Decimal("0.001"), Fraction(1, 1000), True, 1e-3], ids=repr)
def test_a_delay_may_be_any_number(delay, watching):
    with watching():
        run(lambda: asyncio.sleep(delay))


@WATCHED_OR_NOT
def test_a_delay_may_be_too_long_for_a_float(watching):
    async def main():
        asyncio.get_running_loop().call_later(10**400, print).cancel()

    with watching():
        run(main)


@WATCHED_OR_NOT
def test_the_loop_says_what_is_no_delay(watching):
    async def main():
        asyncio.get_running_loop().call_later("soon", print)

    with watching(), pytest.raises(TypeError, match="'<' not supported between instances of 'str' and 'int'"):
        run(main)


@WATCHED_OR_NOT
def test_the_log_names_the_callback_that_raised(watching):
    told = []

    def fails():
        raise LookupError("no such thing")

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context["message"]))
        loop.call_soon(fails)
        while not told:
            await asyncio.sleep(0)

    with watching():
        run(main)
    assert repr(fails) in told[0]


@WATCHED_OR_NOT
def test_a_protocol_may_be_connected_again_any_number_of_times(watching):
    depths, left = set(), []

    class Served(asyncio.Protocol):
        def connection_lost(self, _):
            left.append(self)

    class Client(asyncio.Protocol):
        def connection_lost(self, _):
            depths.add(len(inspect.stack(0)))
            self.is_lost.set()

    async def main():
        server = await asyncio.get_running_loop().create_server(Served, "127.0.0.1", 0)
        address, client = server.sockets[0].getsockname(), Client()
        for _ in range(5):
            client.is_lost = asyncio.Event()
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: client, *address)
            transport.abort()
            await client.is_lost.wait()
        while len(left) < 5:  # a transport that is still open when its loop is closed is warned of
            await asyncio.sleep(0)
        server.close()

    with watching():
        run(main)
    assert len(depths) == 1


class Names:
    """Observes every step of a loop, and notes the name of what the step calls."""

    def __init__(self, owner):
        self.owner, self.names = owner, []
        self.handle = None
        self.started = self.ended = 0.0
        self.gap_from_s = self.ends_from_s = NEVER
        self.wants_step_begin = EVERY_STEP

    def on_step_begin(self, outer):
        self.names.append(getattr(self.handle._callback, "__qualname__", ""))
        return outer


@contextmanager
def observed(watched):
    """Time the steps of uvloops by the observers of ``watched``."""
    methods = LoopMethods(uvloop.Loop, watched.get)
    methods.install()
    try:
        yield
    finally:
        methods.uninstall()


def test_a_reader_of_an_earlier_watch_is_timed_in_a_later_one():
    ours, theirs = socket.socketpair()

    async def main():
        loop, has_read = asyncio.get_running_loop(), asyncio.Event()
        earlier, later = Names(loop), Names(loop)

        def read():
            ours.recv(1)
            has_read.set()

        async def send():
            has_read.clear()
            theirs.send(b"!")
            await has_read.wait()

        watched = {loop: earlier}
        with observed(watched):
            loop.add_reader(ours, read)
            await send()
            earlier.owner = None
            watched[loop] = later
            await send()
            loop.remove_reader(ours)
        return earlier.names, later.names

    with ours, theirs:
        for names in run(main):
            assert sum(name.endswith(".read") for name in names) == 1


def test_what_only_passes_a_result_on_is_not_timed():
    async def main():
        loop = asyncio.get_running_loop()
        observer = Names(loop)
        with observed({loop: observer}):
            await asyncio.shield(asyncio.to_thread(int))
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0))])
        return observer.names

    names = {name.rpartition(".")[2] for name in run(main)}
    assert "task_wakeup" in names
    passing_on = {"_call_check_cancel", "_inner_done_callback", "_outer_done_callback", "_on_completion"}
    assert not names & passing_on


@WATCHED_OR_NOT
def test_a_signal_handler_must_be_no_coroutine_function(watching):
    async def main():
        with pytest.raises(TypeError, match="coroutines cannot be used"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, main)

    with watching():
        run(main)


class Frozen(asyncio.Protocol):
    def __setattr__(self, name, _):
        raise ValueError(f"{name} cannot be set")


class Odd(asyncio.Protocol):
    error_received = property(lambda _: 1 / 0)


@WATCHED_OR_NOT
@pytest.mark.parametrize("protocol", [Frozen, Odd])
def test_a_protocol_may_refuse_to_be_timed(protocol, watching):
    async def main():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        try:
            transport, connected = await loop.create_connection(protocol, *server.sockets[0].getsockname())
        finally:
            server.close()
        transport.abort()
        return connected

    with watching():
        assert isinstance(run(main), protocol)
