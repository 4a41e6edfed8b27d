"""Ordinary code that blocks nothing: no report of it is right."""

import asyncio
import json
import select
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from queue import Empty, Queue

from asgiref.sync import async_to_sync, sync_to_async

from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.certificate import server_and_client_contexts
from tests.detection.catalogue.computing import numbers, orders
from tests.detection.catalogue.peers import PAUSE_S, connection, later
from tests.detection.catalogue.sizes import STALL_S, size_that_takes_long

catalogue = Catalogue()


def compute():
    until = time.perf_counter() + STALL_S
    while time.perf_counter() < until:
        pass


# Threads do the work


@catalogue.is_silent(is_slow_under_load=True)
async def executor(_truth):
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, PAUSE_S)


@catalogue.is_silent(is_slow_under_load=True)
async def executor_of_ones_own(_truth):
    with ThreadPoolExecutor(2) as threads:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(threads, time.sleep, PAUSE_S) for _ in range(4)))


@catalogue.is_silent(is_slow_under_load=True)
async def executor_that_computes(_truth):
    await asyncio.get_running_loop().run_in_executor(None, compute)


@catalogue.is_silent(is_slow_under_load=True)
async def to_thread(_truth):
    await asyncio.to_thread(time.sleep, PAUSE_S)


@catalogue.is_silent(is_slow_under_load=True)
async def sync_to_async_in_one_thread(_truth):
    await sync_to_async(time.sleep, thread_sensitive=True)(PAUSE_S)


@catalogue.is_silent(is_slow_under_load=True)
async def sync_to_async_in_any_thread(_truth):
    await sync_to_async(compute, thread_sensitive=False)()


@catalogue.is_silent(is_slow_under_load=True)
async def async_to_sync_in_thread(_truth):
    await asyncio.to_thread(async_to_sync(asyncio.sleep), PAUSE_S)


# Waiting as one should


@catalogue.is_silent()
async def sleep(_truth):
    await asyncio.sleep(PAUSE_S)


@catalogue.is_silent(around=True)
async def idle_loop(_truth):
    await asyncio.sleep(2 * PAUSE_S)


@catalogue.is_silent()
async def event(_truth):
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(PAUSE_S, event.set)
    await event.wait()


@catalogue.is_silent()
async def lock(_truth):
    lock = asyncio.Lock()
    await lock.acquire()
    asyncio.get_running_loop().call_later(PAUSE_S, lock.release)
    async with lock:
        pass


@catalogue.is_silent()
async def queue(_truth):
    jobs = asyncio.Queue()
    asyncio.get_running_loop().call_later(PAUSE_S, jobs.put_nowait, "job")
    await jobs.get()


@catalogue.is_silent()
async def timeout(_truth):
    try:
        async with asyncio.timeout(PAUSE_S):
            await asyncio.Event().wait()
    except TimeoutError:
        pass


@catalogue.is_silent()
async def future_from_thread(_truth):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    later(loop.call_soon_threadsafe, future.set_result, None)
    await future


@catalogue.is_silent(threads=("main",), is_slow_under_load=True)
async def process(_truth):
    sleeping = await asyncio.create_subprocess_exec("sleep", str(PAUSE_S))
    await sleeping.wait()


@catalogue.is_silent()
async def gathered(_truth):
    await asyncio.gather(*(asyncio.sleep(PAUSE_S) for _ in range(50)))


# Load that is not a blocking call


def work_for(duration_s):
    until = time.perf_counter() + duration_s
    while time.perf_counter() < until:
        pass


@catalogue.is_silent()
async def many_quick_callbacks(_truth):
    loop = asyncio.get_running_loop()
    for _ in range(300):
        loop.call_soon(work_for, 0.0004)
    await asyncio.sleep(0)


async def quick_task():
    work_for(0.0004)
    await asyncio.sleep(0)
    work_for(0.0004)


@catalogue.is_silent()
async def many_quick_tasks(_truth):
    await asyncio.gather(*(quick_task() for _ in range(150)))


@catalogue.is_silent()
async def one_task_of_many_steps(_truth):
    for _ in range(40):
        work_for(0.005)
        await asyncio.sleep(0)


# Networks


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def exchange(server, **tls):
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), **tls)
    for _ in range(20):
        writer.write(b"an order" * 100 + b"\n")
        await reader.readline()
    writer.close()
    await writer.wait_closed()
    server.close()


@catalogue.is_silent()
async def streams(_truth):
    await exchange(await asyncio.start_server(echo, "127.0.0.1", 0))


@catalogue.is_silent(given=lambda: nullcontext(server_and_client_contexts()))
async def tls(_truth, contexts):
    server, client = contexts
    await exchange(
        await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server), ssl=client, server_hostname="localhost"
    )


# Blocking calls that are quick


@catalogue.is_silent()
async def quick_files(_truth):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "order")
        for _ in range(20):
            path.write_text("an order")
            path.read_text()
            await asyncio.sleep(0)


@catalogue.is_silent()
async def uncontended_locks(_truth):
    lock = threading.Lock()
    for _ in range(200):
        with lock:
            pass
        await asyncio.sleep(0)


@catalogue.is_silent()
async def short_sleeps(_truth):
    for _ in range(20):
        time.sleep(0.005)
        await asyncio.sleep(0)


# The machine's doing: it may be told as a disturbance, never as a call


@contextmanager
def thread(work, *arguments, count=1):
    """Threads that wait for an event, and then work."""
    begin = threading.Event()

    def wait_and_work():
        begin.wait()
        work(*arguments)

    threads = [threading.Thread(target=wait_and_work) for _ in range(count)]
    for one in threads:
        one.start()
    try:
        yield begin, threads
    finally:
        begin.set()
        for one in threads:
            one.join()


@contextmanager
def thread_that(work, make, start=1):
    """A thread for one C call that keeps the GIL."""
    with thread(work, make(size_that_takes_long(work, make, start))) as started:
        yield started


thread_that_sorts = partial(thread_that, sorted, numbers, 1000)
thread_that_adds_up = partial(thread_that, sum, range, 100_000)
thread_that_dumps_json = partial(thread_that, json.dumps, orders, 1000)
INSTANT_S = 0.0005


async def wait_often(started, wait):
    begin, (hog,) = started
    begin.set()
    while hog.is_alive():
        wait()
        await asyncio.sleep(0)


@catalogue.is_silent(given=thread_that_sorts)
async def thread_that_keeps_the_gil(_truth, sorting):
    await wait_often(sorting, partial(time.sleep, INSTANT_S))


@catalogue.is_silent(given=thread_that_dumps_json)
async def thread_that_keeps_the_gil_from_short_sleeps(_truth, dumping):
    await wait_often(dumping, partial(time.sleep, INSTANT_S))


@catalogue.is_silent(given=thread_that_adds_up)
async def thread_that_keeps_the_gil_from_attempts_to_lock(_truth, adding_up):
    lock = threading.Lock()
    lock.acquire()
    await wait_often(adding_up, partial(lock.acquire, timeout=INSTANT_S))


@catalogue.is_silent(given=thread_that_sorts)
async def thread_that_keeps_the_gil_from_looks_into_a_queue(_truth, sorting):
    jobs = Queue()

    def look():
        with suppress(Empty):
            jobs.get(timeout=INSTANT_S)

    await wait_often(sorting, look)


@catalogue.is_silent(given=thread_that_dumps_json)
async def thread_that_keeps_the_gil_from_reads_of_a_socket(_truth, dumping):
    with connection() as connected:
        connected.ours.settimeout(INSTANT_S)

        def read():
            with suppress(TimeoutError):
                connected.ours.recv(1)

        await wait_often(dumping, read)


@catalogue.is_silent(given=thread_that_adds_up)
async def thread_that_keeps_the_gil_from_a_selector(_truth, adding_up):
    await wait_often(adding_up, partial(select.select, [], [], [], INSTANT_S))


@catalogue.is_silent(given=thread_that_dumps_json, is_slow_under_load=True)
async def thread_that_keeps_the_gil_from_threads_that_start(_truth, dumping):
    await wait_often(dumping, lambda: threading.Thread(target=int).start())


@catalogue.is_silent(given=thread_that_sorts, known_limit="a busy loop asks for the GIL as the watchdog does")
async def thread_that_keeps_the_gil_from_a_busy_loop(_truth, sorting):
    begin, (hog,) = sorting
    begin.set()
    while hog.is_alive():
        work_for(0.007)
        await asyncio.sleep(0)


@catalogue.is_silent(
    given=partial(thread, compute, count=8), known_limit="eight threads take the GIL by turns, the watchdog among them"
)
async def threads_that_take_turns(_truth, computing):
    begin, hogs = computing
    begin.set()
    while any(hog.is_alive() for hog in hogs):
        time.sleep(0.0005)
        await asyncio.sleep(0)
