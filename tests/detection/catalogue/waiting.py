"""Code that waits for something, and makes everybody wait with it."""
# ruff: noqa: LOG001, PTH123, SIM115 - people write it so

import asyncio
import http.client
import logging
import os
import select
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import closing, contextmanager, suppress
from functools import partial

from loopwatch.detection.calls import Cause
from tests.detection.catalogue import peers
from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.computing import numbers
from tests.detection.catalogue.peers import PAUSE_S, later
from tests.detection.catalogue.sizes import sized

catalogue = Catalogue()
WAITING = Cause.WAITING

SLEEPER = [sys.executable, "-S", "-c", f"import time; time.sleep({PAUSE_S})"]
LATE_PRINTER = [sys.executable, "-S", "-c", f"import time; time.sleep({PAUSE_S}); print('done')"]
SLOW_QUERY = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ?)
    SELECT sum(a.n % 7) FROM numbers AS a
"""


def run_query(rows):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(SLOW_QUERY, [rows])


# Sleeping


@contextmanager
def busy_thread(work):
    """A thread that runs ``work`` again and again."""
    is_over = threading.Event()

    def work_on():
        while not is_over.is_set():
            work()

    thread = threading.Thread(target=work_on)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, given=partial(busy_thread, partial(sum, range(1000))))
async def sleep_beside_a_thread_that_computes(truth):
    with truth:
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, given=partial(busy_thread, partial(sorted, numbers(40_000))))
async def sleep_beside_a_thread_that_sorts(truth):
    with truth:
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def sleep(truth):
    with truth:
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="back_off")
async def sleep_in_helpers(truth):
    with truth:
        fetch_with_retries()


def fetch_with_retries():
    for attempt in range(2):
        if attempt:
            retry(attempt)


def retry(attempt):
    back_off(attempt)


def back_off(attempt):
    time.sleep(PAUSE_S * attempt)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Client.pause")
async def sleep_in_method(truth):
    with truth:
        Client().pause()


class Client:
    delay_s = PAUSE_S

    def pause(self):
        time.sleep(self.delay_s)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def sleep_renamed(truth):
    from time import sleep as nap

    with truth:
        nap(PAUSE_S)  # blocks


# Networks


@catalogue.blocks("urllib.request.urlopen", cause=WAITING, is_c=False, given=peers.slow_http_server)
async def http_get(truth, url):
    with truth:
        urllib.request.urlopen(url, timeout=5).close()  # blocks


@catalogue.blocks("http.client.HTTPConnection.getresponse", cause=WAITING, is_c=False, given=peers.slow_http_server)
async def http_response(truth, url):
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=5)
    connection.request("GET", "/")
    await asyncio.sleep(0)
    with truth:
        connection.getresponse().close()  # blocks
    connection.close()


@catalogue.blocks("socket.socket.recv", cause=WAITING, is_c=True, given=peers.connection)
async def socket_without_timeout(truth, connection):
    later(connection.answer)
    await asyncio.sleep(0)
    with truth:
        connection.ours.recv(100)  # blocks


@catalogue.blocks("socket.socket.recv", cause=WAITING, is_c=True, given=peers.connection)
async def socket_with_timeout(truth, connection):
    connection.ours.settimeout(5)
    later(connection.answer)
    await asyncio.sleep(0)
    with truth:
        connection.ours.recv(100)  # blocks


@catalogue.blocks("socket.socket.recv", cause=WAITING, is_c=True, given=peers.connection)
async def socket_that_times_out(truth, connection):
    connection.ours.settimeout(PAUSE_S)
    with truth, suppress(TimeoutError):
        connection.ours.recv(100)  # blocks


@catalogue.blocks("socket.socket.accept", cause=WAITING, is_c=False, given=peers.listener)
async def socket_accept(truth, listener):
    later(peers.connect_to, listener)
    await asyncio.sleep(0)
    with truth:
        accepted, _ = listener.accept()  # blocks
    accepted.close()


@catalogue.blocks("socket.socket.sendall", cause=WAITING, is_c=True, given=peers.connection)
async def socket_send(truth, connection):
    later(connection.drain)
    await asyncio.sleep(0)
    with truth:
        connection.ours.sendall(bytes(1_000_000))  # blocks
    connection.ours.close()


@catalogue.blocks("ssl.SSLSocket.recv", cause=WAITING, is_c=False, given=peers.tls_connection)
async def tls_receive(truth, connection):
    later(connection.answer)
    await asyncio.sleep(0)
    with truth:
        connection.ours.recv(100)  # blocks


@catalogue.blocks("socket.getaddrinfo", cause=WAITING, is_c=False, given=peers.slow_name)
async def dns(truth, slow):
    later(slow.answer)
    await asyncio.sleep(0)
    with truth, suppress(socket.gaierror):
        socket.getaddrinfo(slow.name, 80)  # blocks


@catalogue.blocks("socket.gethostbyname", cause=WAITING, is_c=True, given=peers.slow_name)
async def dns_by_name(truth, slow):
    later(slow.answer)
    await asyncio.sleep(0)
    with truth, suppress(socket.gaierror):
        socket.gethostbyname(slow.name)  # blocks


@catalogue.blocks("select.select", cause=WAITING, is_c=True, given=peers.connection)
async def select_on_socket(truth, connection):
    later(connection.answer)
    await asyncio.sleep(0)
    with truth:
        select.select([connection.ours], [], [], 5)  # blocks


# Databases


@catalogue.blocks("sqlite3.Connection.execute", cause=Cause.COMPUTING, is_c=True, given=sized(run_query, start=10_000))
async def sqlite_query(truth, rows):
    with closing(sqlite3.connect(":memory:")) as connection, truth:
        connection.execute(SLOW_QUERY, [rows])  # blocks


@catalogue.blocks("sqlite3.Cursor.execute", cause=Cause.COMPUTING, is_c=True, given=sized(run_query, start=10_000))
async def sqlite_cursor(truth, rows):
    with closing(sqlite3.connect(":memory:")) as connection:
        cursor = connection.cursor()
        with truth:
            cursor.execute(SLOW_QUERY, [rows])  # blocks


@catalogue.blocks("sqlite3.Connection.execute", cause=WAITING, is_c=True, given=peers.locked_database)
async def sqlite_locked(truth, path):
    with closing(sqlite3.connect(path, timeout=PAUSE_S)) as connection, truth, suppress(sqlite3.OperationalError):
        connection.execute("INSERT INTO orders VALUES (1)")  # blocks


@catalogue.blocks("psycopg.Connection.execute", cause=WAITING, is_c=False, given=peers.postgresql_connection)
async def postgresql_query(truth, connection):
    with truth:
        connection.execute("SELECT pg_sleep(%s)", [PAUSE_S])  # blocks


@catalogue.blocks("psycopg.Cursor.execute", cause=WAITING, is_c=False, given=peers.postgresql_connection)
async def postgresql_cursor(truth, connection):
    with connection.cursor() as cursor, truth:
        cursor.execute("SELECT pg_sleep(%s)", [PAUSE_S])  # blocks


# Processes


@catalogue.blocks("subprocess.run", cause=WAITING, is_c=False)
async def subprocess_run(truth):
    with truth:
        subprocess.run(SLEEPER, check=True)  # blocks


@catalogue.blocks("subprocess.run", cause=WAITING, is_c=False)
async def subprocess_run_captured(truth):
    with truth:
        subprocess.run(SLEEPER, capture_output=True, check=True)  # blocks


@catalogue.blocks("subprocess.check_output", cause=WAITING, is_c=False)
async def subprocess_output(truth):
    with truth:
        subprocess.check_output(SLEEPER)  # blocks


@catalogue.blocks("subprocess.Popen.wait", cause=WAITING, is_c=False, is_slow_under_load=True)
async def subprocess_wait(truth):
    process = subprocess.Popen(SLEEPER)
    await asyncio.sleep(0)
    with truth:
        process.wait()  # blocks


@catalogue.blocks("os.system", cause=WAITING, is_c=True)
async def os_system(truth):
    with truth:
        os.system(f"sleep {PAUSE_S}")  # blocks


# Files


@catalogue.blocks("open", cause=WAITING, is_c=True, given=peers.fifo)
async def file_open(truth, fifo):
    later(fifo.write)
    await asyncio.sleep(0)
    with truth:
        file = open(fifo.path)  # blocks
    file.close()


@catalogue.blocks("pathlib.Path.read_text", cause=WAITING, is_c=False, given=peers.fifo)
async def file_read_text(truth, fifo):
    later(fifo.write)
    await asyncio.sleep(0)
    with truth:
        fifo.path.read_text()  # blocks


@catalogue.blocks("io.TextIOWrapper.read", cause=WAITING, is_c=True, given=peers.pipe)
async def file_read(truth, pipe):
    with open(pipe.read_end, closefd=False) as file:
        later(pipe.write)
        await asyncio.sleep(0)
        with truth:
            file.read(9)  # blocks


@catalogue.blocks("io.TextIOWrapper.__next__", cause=WAITING, is_c=True, given=peers.pipe)
async def file_lines(truth, pipe):
    with open(pipe.read_end, closefd=False) as file:
        later(pipe.write)
        await asyncio.sleep(0)
        truth.begin()
        for _line in file:  # blocks
            truth.end()
            break


@catalogue.blocks("io.BufferedWriter.write", cause=WAITING, is_c=True, given=peers.pipe)
async def file_write(truth, pipe):
    with open(pipe.write_end, "wb", closefd=False) as file:
        later(pipe.read, 1_000_000)
        await asyncio.sleep(0)
        with truth:
            file.write(bytes(1_000_000))  # blocks


@catalogue.blocks("io.TextIOWrapper.flush", cause=WAITING, is_c=True, given=peers.full_pipe)
async def file_flush(truth, pipe):
    file = open(pipe.write_end, "w", closefd=False)
    file.write("an order")
    later(pipe.make_room)
    await asyncio.sleep(0)
    with truth:
        file.flush()  # blocks
    file.close()


# A quick disk makes the kernel work more than it makes it wait; a journal being written holds up the flush.
@catalogue.blocks("os.fsync", "io.BufferedRandom.flush", cause=None, is_c=True, given=peers.journal)
async def fsync(truth, count):
    with tempfile.TemporaryFile() as file, truth:
        for number in range(count):
            file.write(b"order %d" % number)
            file.flush()  # blocks
            os.fsync(file.fileno())  # blocks


@catalogue.blocks("shutil.copyfileobj", cause=WAITING, is_c=False, is_slow_under_load=True)
async def file_copy(truth):
    with subprocess.Popen(LATE_PRINTER, stdout=subprocess.PIPE) as process, open(os.devnull, "wb") as target:
        await asyncio.sleep(0)
        with truth:
            shutil.copyfileobj(process.stdout, target)  # blocks


@catalogue.blocks("logging.Logger.warning", cause=WAITING, is_c=False, given=peers.full_pipe)
async def logging_to_slow_stream(truth, pipe):
    logger = logging.Logger("shop")
    with open(pipe.write_end, "w", closefd=False) as stream:
        logger.addHandler(logging.StreamHandler(stream))
        later(pipe.make_room)
        await asyncio.sleep(0)
        with truth:
            logger.warning("An order is late")  # blocks


@catalogue.blocks("print", cause=WAITING, is_c=True, given=peers.full_pipe)
async def print_to_slow_stream(truth, pipe):
    with open(pipe.write_end, "w", closefd=False) as stream:
        later(pipe.make_room)
        await asyncio.sleep(0)
        with truth:
            print("An order is late", file=stream, flush=True)  # blocks


# Pipes


@catalogue.blocks("os.read", cause=WAITING, is_c=True, given=peers.pipe)
async def pipe_read(truth, pipe):
    later(pipe.write)
    await asyncio.sleep(0)
    with truth:
        os.read(pipe.read_end, 100)  # blocks


@catalogue.blocks("os.write", cause=WAITING, is_c=True, given=peers.full_pipe)
async def pipe_write(truth, pipe):
    later(pipe.make_room)
    await asyncio.sleep(0)
    with truth:
        os.write(pipe.write_end, b"an order")  # blocks


@catalogue.blocks("io.BufferedReader.readline", cause=WAITING, is_c=True, is_slow_under_load=True)
async def pipe_of_subprocess(truth):
    with subprocess.Popen(LATE_PRINTER, stdout=subprocess.PIPE) as process:
        await asyncio.sleep(0)
        with truth:
            process.stdout.readline()  # blocks
        await asyncio.to_thread(process.wait)
