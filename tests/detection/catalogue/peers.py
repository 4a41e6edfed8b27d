"""The other side of what a case waits for: slow servers, connections, pipes, names. All of it is local."""

import atexit
import functools
import os
import socket
import sqlite3
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from tests import postgresql
from tests.detection.catalogue.certificate import server_and_client_contexts
from tests.detection.catalogue.sizes import size_that_takes_long

PAUSE_S = 0.11
LOOKED_UP_NAME = "bookshop-that-takes-long"
QUICKEST_FSYNC_S = 0.0001


_handed_over: SimpleQueue[tuple[float, Callable[..., object], tuple[object, ...]] | None] = SimpleQueue()


def later(function: Callable[..., object], *args: object) -> None:
    """Have it called after a pause, by ``another_thread``: it is a wait in itself to start one."""
    _handed_over.put((time.monotonic() + PAUSE_S, function, args))


@contextmanager
def another_thread() -> Iterator[None]:
    """A thread for what is handed to ``later``."""
    thread = threading.Thread(target=_work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        _handed_over.put(None)
        thread.join()


def _work() -> None:
    while handed_over := _handed_over.get():
        due, function, args = handed_over
        time.sleep(max(0.0, due - time.monotonic()))
        function(*args)


@contextmanager
def busy_thread(work: Callable[[], object]) -> Iterator[None]:
    """A thread that runs ``work`` again and again."""
    is_over = threading.Event()

    def work_on() -> None:
        while not is_over.is_set():
            work()

    thread = threading.Thread(target=work_on)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


class _SlowHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(PAUSE_S)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def slow_http_server() -> Iterator[str]:
    """The URL of a server that takes its time to answer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _SlowHandler) as server, patch.dict(os.environ, {"no_proxy": "*"}):
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@dataclass(frozen=True, slots=True)
class Connection:
    """Two sockets that are connected to each other."""

    ours: socket.socket
    theirs: socket.socket

    def answer(self) -> None:
        self.theirs.sendall(b"!")

    def drain(self) -> None:
        # The case may close ``theirs`` before its end is read. An exception would end the thread, and the next case
        # would wait for it.
        with suppress(OSError):
            while self.theirs.recv(1_000_000):
                pass


@contextmanager
def connection() -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Connection(ours, theirs)


@contextmanager
def tls_connection() -> Iterator[Connection]:
    server, client = server_and_client_contexts()
    ours, theirs = socket.socketpair()
    server_side: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: server_side.append(server.wrap_socket(theirs, server_side=True)))
    thread.start()
    with client.wrap_socket(ours, server_hostname="localhost") as encrypted:
        thread.join()
        # The tickets for later sessions are sent after the handshake; to read a byte is to have read them too.
        server_side[0].sendall(b"!")
        encrypted.recv(1)
        with server_side[0]:
            yield Connection(encrypted, server_side[0])


@contextmanager
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def connect_to(listening: socket.socket) -> None:
    socket.create_connection(listening.getsockname()).close()


@dataclass(frozen=True, slots=True)
class SlowName:
    """A host name whose look-up goes on until ``answer`` is called: the C library reads a file of aliases, a FIFO."""

    name: str
    aliases: Path

    def answer(self) -> None:
        with self.aliases.open("w"):
            # The resolver may look a second time. Then there is an ordinary file, and an empty one.
            self.aliases.with_name("empty").replace(self.aliases)


@contextmanager
def slow_name() -> Iterator[SlowName]:
    with _aliases_in_fifo() as slow:
        if not _resolver_reads_aliases():
            pytest.skip("The resolver of this platform reads no HOSTALIASES")
        yield slow


@contextmanager
def _aliases_in_fifo() -> Iterator[SlowName]:
    with tempfile.TemporaryDirectory() as directory:
        slow = SlowName(LOOKED_UP_NAME, Path(directory, "aliases"))
        slow.aliases.with_name("empty").touch()
        os.mkfifo(slow.aliases)
        with patch.dict(os.environ, {"HOSTALIASES": str(slow.aliases), "RES_OPTIONS": "timeout:1 attempts:1"}):
            yield slow


@functools.cache
def _resolver_reads_aliases() -> bool:
    def look_up() -> None:
        with suppress(OSError):
            socket.getaddrinfo(LOOKED_UP_NAME, 80)

    with _aliases_in_fifo() as slow:
        thread = threading.Thread(target=look_up, daemon=True)
        thread.start()
        while thread.is_alive():
            try:
                descriptor = os.open(slow.aliases, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads yet
                time.sleep(0.001)
                continue
            slow.aliases.with_name("empty").replace(slow.aliases)
            os.close(descriptor)
            thread.join(10)
            return True
    return False


@contextmanager
def locked_database() -> Iterator[Path]:
    """An SQLite file that another connection has locked."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "orders.sqlite3")
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("CREATE TABLE orders (id)")
            other.execute("BEGIN EXCLUSIVE")
            yield path
            other.execute("ROLLBACK")


@contextmanager
def postgresql_connection() -> Iterator[psycopg.Connection[Any]]:
    if postgresql.programs() is None:
        pytest.skip("PostgreSQL is not installed (on Debian and Ubuntu: apt install postgresql)")
    host = str(_postgresql_server().folder)
    with psycopg.connect(host=host, user="loopwatch", dbname="postgres", autocommit=True) as connection:
        yield connection


@functools.cache
def _postgresql_server() -> postgresql.Server:
    server = postgresql.Server()
    server.start()
    _shared.callback(server.remove)
    return server


_shared = ExitStack()


@atexit.register
def end_shared() -> None:
    """End what all cases share, and start it again for a case that follows."""
    _shared.close()
    _postgresql_server.cache_clear()


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe, its two ends as file descriptors."""

    read_end: int
    write_end: int

    def write(self) -> None:
        os.write(self.write_end, b"an order\n")

    def fill(self) -> None:
        """Write until no more goes in."""
        os.set_blocking(self.write_end, False)
        try:
            while True:
                os.write(self.write_end, bytes(65_536))
        except BlockingIOError:
            os.set_blocking(self.write_end, True)

    def make_room(self) -> None:
        os.read(self.read_end, 65_536)

    def read(self, length: int) -> None:
        while length > 0:
            length -= len(os.read(self.read_end, min(length, 65_536)))


@contextmanager
def pipe() -> Iterator[Pipe]:
    read_end, write_end = os.pipe()
    try:
        yield Pipe(read_end, write_end)
    finally:
        os.close(read_end)
        os.close(write_end)


@contextmanager
def full_pipe() -> Iterator[Pipe]:
    """A pipe into which nothing more goes."""
    with pipe() as full:
        full.fill()
        yield full


@dataclass(frozen=True, slots=True)
class Fifo:
    """A named pipe. ``open`` waits for its other side, and so does ``read`` until that closes it."""

    path: Path

    def write(self) -> None:
        with suppress(BrokenPipeError):  # who only opens it may have closed it already
            self.path.write_text("an order\n")


@contextmanager
def fifo() -> Iterator[Fifo]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "orders")
        os.mkfifo(path)
        yield Fifo(path)


@contextmanager
def journal() -> Iterator[int]:
    """How many records, each synced to the disk, take a while to write."""
    if _took_s(append_records, 1) < QUICKEST_FSYNC_S:
        pytest.skip("Files of this platform's temporary directory are not on a disk")
    yield size_that_takes_long(append_records, clock=time.perf_counter)


def append_records(count: int) -> None:
    with tempfile.TemporaryFile() as file:
        for _ in range(count):
            file.write(b"an order\n")
            file.flush()
            os.fsync(file.fileno())


def _took_s(function: Callable[[int], object], argument: int) -> float:
    started = time.perf_counter()
    function(argument)
    return time.perf_counter() - started
