"""What ``strict()`` sees: calls known to block, on the thread of a running loop, whatever they take."""

import asyncio
import concurrent.futures
import glob
import importlib
import io
import logging
import os
import pathlib
import queue
import select
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from time import sleep as imported_early

import pytest

from loopwatch import strict
from tests.detection.strict.found import found_in

HERE = pathlib.Path(__file__)


# Each blocks; what it is called by must be among what is found.


def reads_a_file():
    with HERE.open() as file:
        file.read()


def writes_a_file():
    with tempfile.TemporaryFile() as file:
        file.write(b"x")


def walks():
    list(os.walk(HERE.parent))


def sends_to_a_blocking_socket():
    one, other = socket.socketpair()
    with one, other:
        one.send(b"x")
        other.recv(1)


def connects():
    with socket.socket() as sock:
        sock.connect_ex(("127.0.0.1", 9))


def opens_a_url():
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen("http://127.0.0.1:9/")


def asks_a_database():
    connection = sqlite3.connect(":memory:")
    connection.cursor().execute("SELECT 1").fetchall()
    connection.close()


def waits_for_a_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=0.01)


def waits_for_an_rlock():
    rlock_of_another_thread().acquire(timeout=0.01)


def rlock_of_another_thread():
    lock = threading.RLock()
    holder = threading.Thread(target=lock.acquire)
    holder.start()
    while holder.is_alive():
        pass
    return lock


def waits_for_a_queue():
    waited_for = queue.Queue()
    with suppress(queue.Empty):
        waited_for.get(timeout=0.01)


def waits_for_a_simple_queue():
    waited_for = queue.SimpleQueue()
    with suppress(queue.Empty):
        waited_for.get(timeout=0.01)


def waits_for_an_event():
    threading.Event().wait(0.01)


def waits_for_a_future():
    with suppress(TimeoutError):
        concurrent.futures.Future().result(timeout=0.01)


def joins_a_thread():
    may_end = threading.Event()
    thread = threading.Thread(target=may_end.wait)
    thread.start()
    thread.join(timeout=0.01)
    may_end.set()
    thread.join()


def reads_a_pipe():
    reading, writing = os.pipe()
    os.write(writing, b"x")
    os.read(reading, 1)
    os.close(reading)
    os.close(writing)


def selects():
    select.select([], [], [], 0.05)


def imports():
    sys.modules.pop("colorsys", None)
    import colorsys  # noqa: F401


BLOCKING = [
    (lambda: time.sleep(0), ["time.sleep"]),
    (lambda: imported_early(0), ["time.sleep"]),
    (reads_a_file, ["open", "io.TextIOWrapper.read"]),
    (writes_a_file, ["io.BufferedRandom.write"]),
    (walks, ["os.walk"]),
    (lambda: os.listdir("."), ["os.listdir"]),
    (lambda: os.stat("."), ["os.stat"]),
    (lambda: glob.glob("*"), ["glob.glob"]),
    (lambda: shutil.rmtree(tempfile.mkdtemp()), ["shutil.rmtree", "tempfile.mkdtemp"]),
    (sends_to_a_blocking_socket, ["socket.socket.send", "socket.socket.recv"]),
    (connects, ["socket.socket.connect_ex"]),
    (lambda: socket.getaddrinfo("localhost", 80), ["socket.getaddrinfo"]),
    (opens_a_url, ["urllib.request.urlopen"]),
    (ssl.create_default_context, ["ssl.create_default_context"]),
    (asks_a_database, ["sqlite3.connect", "sqlite3.Cursor.execute", "sqlite3.Cursor.fetchall"]),
    (lambda: subprocess.run(["true"], check=True), ["subprocess.Popen"]),
    (waits_for_a_lock, ["threading.Lock.acquire"]),
    (waits_for_an_rlock, ["threading.RLock.acquire"]),
    (waits_for_a_queue, ["queue.Queue.get"]),
    (waits_for_a_simple_queue, ["queue.SimpleQueue.get"]),
    (waits_for_an_event, ["threading.Condition.wait"]),
    (waits_for_a_future, ["concurrent.futures.Future.result"]),
    (joins_a_thread, ["threading.Thread.join"]),
    (reads_a_pipe, ["os.read", "os.write"]),
    (selects, ["select.select"]),
    (imports, ["import colorsys"]),
]


@pytest.mark.parametrize(("function", "names"), BLOCKING, ids=[",".join(names) for _, names in BLOCKING])
def test_what_blocks_is_found(function, names):
    found = found_in(function)
    assert [name for name in names if name not in found] == []


@pytest.mark.parametrize(("function", "names"), BLOCKING[:3])
def test_in_a_thread_it_is_not(function, names):
    async def main():
        await asyncio.to_thread(function)

    with strict() as watcher:
        asyncio.run(main())
    assert watcher.calls == []


@pytest.mark.parametrize(("function", "names"), BLOCKING[:3])
def test_outside_of_a_loop_it_is_not(function, names):
    with strict() as watcher:
        function()
    assert watcher.calls == []


# None of these blocks.


def tries_a_lock():
    lock = threading.Lock()
    is_blocking = False
    # Not in assertions, which pytest rewrites: after pytest 8.3 did, the arguments cannot be read any more.
    taken = [lock.acquire()]
    taken.append(lock.acquire(False))
    taken.append(lock.acquire(blocking=False))
    taken.append(lock.acquire(timeout=0))
    taken.append(lock.acquire(is_blocking))
    assert taken == [True, False, False, False, False]
    lock.release()


def takes_its_own_rlock_again():
    lock = threading.RLock()
    lock.acquire()
    lock.acquire()


def uses_a_condition():
    condition = threading.Condition()
    with condition:
        condition.notify()


def gets_what_is_there():
    waited_for = queue.Queue()
    waited_for.put("x")
    waited_for.get()
    with pytest.raises(queue.Empty):
        waited_for.get(block=False)
    with pytest.raises(queue.Empty):
        waited_for.get(timeout=0)


def asks_a_future_that_is_done():
    future = concurrent.futures.Future()
    future.set_result(1)
    assert future.result() == 1


def uses_a_non_blocking_socket():
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        one.send(b"x")
        with pytest.raises(BlockingIOError):
            one.recv(1)


def uses_non_blocking_descriptors():
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    os.write(writing, b"x")
    os.read(reading, 1)
    for descriptor in (reading, writing):
        os.close(descriptor)


def uses_memory():
    io.StringIO("x").read()
    io.BytesIO().write(b"x")
    io.TextIOWrapper(io.BytesIO(b"x")).read()


def prints():
    print("said")
    sys.stdout.write("said")
    sys.stderr.flush()
    logging.getLogger("shop").warning("logged")


def uses_a_closed_file():
    with pytest.raises(ValueError, match="closed"):
        CLOSED.read()


CLOSED = HERE.open()
CLOSED.close()


def asks_for_a_module_that_is_there():
    importlib.import_module("json")


def looks_up_an_address():
    socket.getaddrinfo("127.0.0.1", 80)
    socket.getaddrinfo("::1", 80)
    socket.getaddrinfo(None, 80)


def polls():
    select.select([], [], [], 0)


def starts_a_thread():
    threading.Thread(target=int).start()


@pytest.mark.parametrize(
    "function",
    [
        tries_a_lock,
        uses_a_condition,
        gets_what_is_there,
        asks_a_future_that_is_done,
        uses_a_non_blocking_socket,
        uses_non_blocking_descriptors,
        uses_memory,
        prints,
        uses_a_closed_file,
        asks_for_a_module_that_is_there,
        looks_up_an_address,
        polls,
        starts_a_thread,
    ],
)
def test_what_does_not_block_is_not_reported(function):
    assert found_in(function) == []


def tries_an_rlock():
    taken = rlock_of_another_thread().acquire(blocking=False)
    assert not taken


def tries_a_simple_queue():
    with pytest.raises(queue.Empty):
        queue.SimpleQueue().get(False)
    with pytest.raises(queue.Empty):
        queue.SimpleQueue().get(timeout=0)


def asks_for_a_child():
    with pytest.raises(ChildProcessError):
        os.waitpid(os.getpid(), os.WNOHANG)


@pytest.mark.parametrize(
    "function",
    [
        tries_a_lock,
        tries_an_rlock,
        takes_its_own_rlock_again,
        uses_a_condition,
        asks_a_future_that_is_done,
        prints,
        tries_a_simple_queue,
        polls,
        lambda: select.poll().poll(0),
        asks_for_a_child,
    ],
)
def test_what_waits_for_nothing_is_not_reported_however_long_the_machine_takes_for_it(function, monkeypatch):
    monkeypatch.setattr("loopwatch.detection.strict.steps.WAITED_S", 0.0)
    assert found_in(function) == []


def in_module(name, source):
    """A function as it would be in a module of that name."""
    namespace = {"__name__": name}
    exec(source, namespace)
    return namespace["function"]


@pytest.mark.parametrize(("caller", "found"), [("pytest_django.fixtures", []), ("channels.auth", ["os.stat"])])
def test_what_a_tool_that_tests_does_is_not_the_sites_doing(caller, found):
    importlib.import_module(caller)
    looks = in_module("django.conf", "import os\ndef function():\n    os.stat('.')")
    calls = in_module(caller, "def function(other):\n    other()")
    assert found_in(calls, looks) == found


def test_nowhere_is_written_to_at_once():
    with pathlib.Path(os.devnull).open("w") as nowhere:
        assert found_in(nowhere.write, "x") == []
        assert found_in(nowhere.flush) == []


def test_asyncio_may_do_what_it_does():
    async def serve(reader, writer):
        writer.write(await reader.read(1))
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"x")
            assert await reader.read() == b"x"
            writer.close()
        process = await asyncio.create_subprocess_exec("true")
        await process.wait()
        await asyncio.to_thread(time.sleep, 0)
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)

    with strict() as watcher:
        asyncio.run(main())
    assert watcher.calls == []
