"""Every road on which a loop comes to run somebody's code."""

import asyncio
import contextvars
import functools
import os
import signal
import socket
import time

from loopwatch.detection.calls import Cause
from tests.detection.catalogue import peers
from tests.detection.catalogue.case import OWN_FUNCTION, TASK_NAME, Catalogue
from tests.detection.catalogue.computing import numbers
from tests.detection.catalogue.peers import PAUSE_S, later
from tests.detection.catalogue.sizes import STALL_S, sized

catalogue = Catalogue()
COMPUTING, WAITING = Cause.COMPUTING, Cause.WAITING
NO_TASK = ("",)


def block(truth):
    with truth:
        time.sleep(PAUSE_S)  # blocks


def compute(truth):
    with truth:
        until = time.perf_counter() + STALL_S
        while time.perf_counter() < until:  # blocks
            pass


# Tasks


async def child(truth):
    await asyncio.sleep(0)
    with truth:
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="child", tasks=("a child",))
async def task(truth):
    await asyncio.create_task(child(truth), name="a child")


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="child", tasks=("one", "two", "three"))
async def gathered(truth):
    children = [asyncio.create_task(child(truth), name=name) for name in ("one", "two", "three")]
    await asyncio.gather(*children)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="child", tasks=("one", "two"))
async def task_group(truth):
    async with asyncio.TaskGroup() as group:
        group.create_task(child(truth), name="one")
        group.create_task(child(truth), name="two")


async def awaited_deeply(truth, depth):
    if depth:
        await awaited_deeply(truth, depth - 1)
    else:
        await child(truth)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="child")
async def deep_in_coroutines(truth):
    await awaited_deeply(truth, 20)


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, where="compute")
async def task_that_is_resumed_twice(truth):
    compute(truth)
    await asyncio.sleep(0)
    compute(truth)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="child", tasks=None)
async def waited_for(truth):
    await asyncio.wait_for(child(truth), 5)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="clean_up")
async def cancelled(truth):
    waiting = asyncio.create_task(clean_up(truth), name=TASK_NAME)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])


async def clean_up(truth):
    try:
        await asyncio.Event().wait()
    finally:
        with truth:
            time.sleep(PAUSE_S)  # blocks


# Callbacks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="block", tasks=NO_TASK)
async def call_soon(truth):
    loop = asyncio.get_running_loop()
    loop.call_soon(block, truth)
    await asyncio.sleep(0)


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, where="compute", tasks=NO_TASK)
async def call_soon_computing(truth):
    loop = asyncio.get_running_loop()
    loop.call_soon(compute, truth)
    await asyncio.sleep(0)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="block", tasks=NO_TASK)
async def call_soon_partial(truth):
    loop = asyncio.get_running_loop()
    loop.call_soon(functools.partial(block, truth))
    await asyncio.sleep(0)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="block", tasks=NO_TASK)
async def call_later(truth):
    loop = asyncio.get_running_loop()
    called = loop.create_future()
    loop.call_later(0.005, block, truth)
    loop.call_later(0.005, called.set_result, None)
    await called


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="block", tasks=NO_TASK)
async def call_at(truth):
    loop = asyncio.get_running_loop()
    called = loop.create_future()
    loop.call_at(loop.time() + 0.005, block, truth)
    loop.call_later(0.01, called.set_result, None)
    await called


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="block", tasks=NO_TASK)
async def call_soon_threadsafe(truth):
    loop = asyncio.get_running_loop()
    called = loop.create_future()

    def from_thread():
        loop.call_soon_threadsafe(block, truth)
        loop.call_soon_threadsafe(called.set_result, None)

    later(from_thread)
    await called


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, tasks=NO_TASK, where="")
async def c_function_scheduled(truth):
    loop = asyncio.get_running_loop()
    loop.call_soon(truth.begin)
    loop.call_soon(time.sleep, PAUSE_S)
    loop.call_soon(truth.end_in_another_step)
    await asyncio.sleep(0)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, tasks=NO_TASK, where="")
async def c_function_scheduled_as_partial(truth):
    loop = asyncio.get_running_loop()
    loop.call_soon(truth.begin)
    loop.call_soon(functools.partial(time.sleep, PAUSE_S))
    loop.call_soon(truth.end_in_another_step)
    await asyncio.sleep(0)


@catalogue.blocks("list.sort", cause=COMPUTING, is_c=True, tasks=NO_TASK, where="", given=sized(sorted, numbers, 1000))
async def c_method_scheduled(truth, numbers):
    loop = asyncio.get_running_loop()
    loop.call_soon(truth.begin)
    loop.call_soon(numbers.sort)
    loop.call_soon(truth.end_in_another_step)
    await asyncio.sleep(0)


def when_done(truth, _future):
    with truth:
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="when_done", tasks=NO_TASK)
async def done_callback_of_task(truth):
    pause = asyncio.create_task(asyncio.sleep(0))
    pause.add_done_callback(functools.partial(when_done, truth))
    await pause
    await asyncio.sleep(0)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="when_done", tasks=NO_TASK)
async def done_callback_of_future(truth):
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(functools.partial(when_done, truth))
    future.set_result(None)
    await asyncio.sleep(0)


def when_broken(truth, _loop, _context):
    with truth:
        time.sleep(PAUSE_S)  # blocks


def raise_error():
    raise RuntimeError


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="when_broken", tasks=NO_TASK)
async def exception_handler(truth):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(functools.partial(when_broken, truth))
    loop.call_soon(raise_error)
    await asyncio.sleep(0)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="block", tasks=NO_TASK)
async def function_in_context(truth):
    loop = asyncio.get_running_loop()
    loop.call_soon(contextvars.copy_context().run, block, truth)
    await asyncio.sleep(0)


@catalogue.blocks(OWN_FUNCTION, cause=WAITING, exact=False)
async def c_function_in_context(truth):
    context = contextvars.copy_context()
    with truth:
        context.run(time.sleep, PAUSE_S)  # blocks


# Input and output


def on_readable(truth, connection, read):
    connection.recv(100)
    with truth:
        time.sleep(PAUSE_S)  # blocks
    read.set_result(None)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="on_readable", tasks=NO_TASK, given=peers.connection)
async def reader(truth, connection):
    loop = asyncio.get_running_loop()
    read = loop.create_future()
    connection.ours.setblocking(False)
    loop.add_reader(connection.ours, on_readable, truth, connection.ours, read)
    connection.answer()
    await read
    loop.remove_reader(connection.ours)


def on_writable(truth, loop, connection, written):
    loop.remove_writer(connection)
    with truth:
        time.sleep(PAUSE_S)  # blocks
    written.set_result(None)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="on_writable", tasks=NO_TASK, given=peers.connection)
async def writer(truth, connection):
    loop = asyncio.get_running_loop()
    written = loop.create_future()
    loop.add_writer(connection.ours, on_writable, truth, loop, connection.ours, written)
    await written


class SlowProtocol(asyncio.Protocol):
    def __init__(self, truth, answered):
        self.truth = truth
        self.answered = answered

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        with self.truth:
            time.sleep(PAUSE_S)  # blocks
        self.transport.close()

    def connection_lost(self, exc):
        self.answered.set_result(None)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="SlowProtocol.data_received", tasks=NO_TASK)
async def data_received(truth):
    loop = asyncio.get_running_loop()
    answered = loop.create_future()
    server = await loop.create_server(lambda: SlowProtocol(truth, answered), "127.0.0.1", 0)
    _, client = await asyncio.open_connection(*server.sockets[0].getsockname())
    client.write(b"an order")
    await answered
    client.close()
    await client.wait_closed()
    server.close()
    await server.wait_closed()


class SlowToConnect(asyncio.Protocol):
    def __init__(self, truth):
        self.truth = truth

    def connection_made(self, transport):
        with self.truth:
            until = time.perf_counter() + STALL_S
            while time.perf_counter() < until:  # blocks
                pass


@catalogue.blocks(
    OWN_FUNCTION, cause=COMPUTING, where="SlowToConnect.connection_made", tasks=NO_TASK, given=peers.connection
)
async def connection_made(truth, connection):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: SlowToConnect(truth), sock=connection.ours)
    transport.close()
    await asyncio.sleep(0)


class SlowDatagrams(asyncio.DatagramProtocol):
    def __init__(self, truth, received):
        self.truth = truth
        self.received = received

    def datagram_received(self, data, addr):
        with self.truth:
            time.sleep(PAUSE_S)  # blocks
        self.received.set_result(None)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="SlowDatagrams.datagram_received", tasks=NO_TASK)
async def datagram_received(truth):
    loop = asyncio.get_running_loop()
    received = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: SlowDatagrams(truth, received), local_addr=("127.0.0.1", 0)
    )
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(b"an order", transport.get_extra_info("sockname"))
    await received
    transport.close()
    await asyncio.sleep(0)


async def serve(truth, reader, writer):
    await reader.readline()
    with truth:
        time.sleep(PAUSE_S)  # blocks
    writer.close()


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="serve", tasks=None)
async def stream_server(truth):
    server = await asyncio.start_server(functools.partial(serve, truth), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"an order\n")
    await reader.read()
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


def on_signal(truth, handled):
    with truth:
        time.sleep(PAUSE_S)  # blocks
    handled.set_result(None)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="on_signal", tasks=NO_TASK, threads=("main",))
async def signal_handler(truth):
    loop = asyncio.get_running_loop()
    handled = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR1, on_signal, truth, handled)
    os.kill(os.getpid(), signal.SIGUSR1)
    await handled
    loop.remove_signal_handler(signal.SIGUSR1)
