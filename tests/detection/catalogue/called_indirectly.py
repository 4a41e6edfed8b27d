"""Calls whose function the line does not name: items of tables, what decorators hide, and the ends of blocks."""

import asyncio
import hashlib
import json
import re
import sqlite3
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.template.defaultfilters import linenumbers

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import OWN_FUNCTION, Catalogue
from tests.detection.catalogue.peers import PAUSE_S, later
from tests.detection.catalogue.sizes import sized

catalogue = Catalogue()
COMPUTING, WAITING = Cause.COMPUTING, Cause.WAITING

PAUSES = {"short": None, "long": time.sleep}
CHECKS = {"plain": lambda secret: secret, "slow": hashlib.pbkdf2_hmac}
BY_NUMBER = [None, time.sleep]


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def item_of_a_table(truth):
    with truth:
        PAUSES["long"](PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def item_by_a_variable(truth):
    kind = "long"
    with truth:
        PAUSES[kind](PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def item_of_a_list(truth):
    with truth:
        BY_NUMBER[-1](PAUSE_S)  # blocks


def check(rounds):
    hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", rounds)


@catalogue.blocks("hashlib.pbkdf2_hmac", cause=COMPUTING, is_c=True, given=sized(check, start=10_000))
async def item_that_computes(truth, rounds):
    with truth:
        CHECKS["slow"]("sha256", b"secret", b"salt", rounds)  # blocks


# Decorators, generated code, callbacks


def numbered(text):
    return linenumbers(text, autoescape=False)


@catalogue.blocks(
    "django.template.defaultfilters.linenumbers",
    cause=COMPUTING,
    is_c=False,
    given=sized(numbered, lambda count: "A line of a letter.\n" * count, 100),
)
async def decorated_function_of_a_library(truth, letter):
    with truth:
        linenumbers(letter, autoescape=False)  # blocks


@dataclass
class Row:
    number: int
    title: str


def make_rows(count):
    for number in range(count):  # blocks
        Row(number, "Book")  # blocks


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, where="make_rows", given=sized(make_rows, start=1000))
async def generated_methods(truth, count):
    with truth:
        make_rows(count)


BACKTRACKS = re.compile(r"(x+x+)+y")


def matches(texts):
    for text in texts:
        yield BACKTRACKS.search(text)  # blocks


@catalogue.blocks(
    "re.Pattern.search",
    cause=COMPUTING,
    where="matches",
    is_c=True,
    given=sized(lambda text: any(matches([text])), lambda length: "x" * length, 15, is_steep=True),
)
async def search_in_a_generator_that_any_exhausts(truth, text):
    with truth:
        any(matches(["a", text, "b"]))


@catalogue.blocks(
    "re.Pattern.search",
    cause=COMPUTING,
    is_c=True,
    given=sized(lambda text: any(matches([text])), lambda length: "x" * length, 15, is_steep=True),
)
async def search_in_a_generator_expression_that_any_exhausts(truth, text):
    with truth:
        any(BACKTRACKS.search(each) for each in ["a", text, "b"])  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def sort_key_that_waits(truth):
    with truth:
        sorted([PAUSE_S], key=lambda seconds: time.sleep(seconds) or 0)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def text_that_exec_runs(truth):
    with truth:
        exec("def pause():\n    time.sleep(PAUSE_S)\npause()", globals())  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def substitution_that_waits(truth):
    with truth:
        re.sub("a", lambda _: time.sleep(PAUSE_S) or "", "bab")  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def hook_of_a_parser_that_waits(truth):
    with truth:
        json.loads("{}", object_hook=lambda _: time.sleep(PAUSE_S))  # blocks


# The ends of blocks


@contextmanager
def read_database():
    """A database that somebody reads, and will for a while."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "books.sqlite3"))
        with closing(sqlite3.connect(path, check_same_thread=False)) as reader:
            reader.execute("CREATE TABLE book (title)")
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM book").fetchall()
            yield path, reader


@catalogue.blocks("sqlite3.Connection.__exit__", cause=WAITING, is_c=True, given=read_database)
async def transaction_committed(truth, database):
    path, reader = database
    with closing(sqlite3.connect(path, timeout=10)) as writer:
        later(reader.rollback)
        with truth:  # noqa: SIM117 - on 3.11, the two managers of one statement cannot be told apart
            with writer:  # blocks
                writer.execute("INSERT INTO book VALUES ('x')")


@contextmanager
def span():
    yield


def raise_to(exponent):
    return 3**exponent


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, exact=None, given=sized(raise_to, start=100_000))
async def operator_at_the_end_of_a_block(truth, exponent):
    with truth, span():
        3**exponent  # blocks


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, exact=None, given=sized(raise_to, start=100_000))
async def operator_under_a_lock(truth, exponent):
    lock = threading.Lock()
    with truth, lock:
        3**exponent  # blocks


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, exact=None, given=sized(raise_to, start=100_000))
async def operator_at_the_end_of_an_asynchronous_block(truth, exponent):
    async with asyncio.timeout(60):
        with truth:
            3**exponent  # blocks
