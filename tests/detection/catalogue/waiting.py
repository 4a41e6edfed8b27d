"""Code that waits for something, and makes everybody wait with it."""

import asyncio
import http.client
import os
import select
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, suppress
from functools import partial

from loopwatch.detection.calls import Cause
from tests.detection.catalogue import peers
from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.computing import numbers
from tests.detection.catalogue.peers import PAUSE_S, busy_thread, later
from tests.detection.catalogue.sizes import sized

catalogue = Catalogue()
WAITING = Cause.WAITING

SLEEPER = [sys.executable, "-S", "-c", f"import time; time.sleep({PAUSE_S})"]
SLOW_QUERY = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ?)
    SELECT sum(a.n % 7) FROM numbers AS a
"""


def run_query(rows):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(SLOW_QUERY, [rows])


# Sleeping


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
