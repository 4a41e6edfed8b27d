"""Callables and code by the names that a user would write."""

import collections
import ctypes
import datetime as dt
import functools
import gc
import hashlib
import io
import itertools
import json
import math
import operator
import os
import pickle
import queue
import random
import re
import select
import socket
import sqlite3
import threading
import time
import zlib

import django.template.base
import pytest

from loopwatch.detection.cpython.qualified_names import name_of_c_callable, name_of_function

connection = sqlite3.connect(":memory:")
connection.close()


class Cursor(sqlite3.Cursor):
    """Overrides a method written in C, as Django's does."""

    def execute(self, query):
        return super().execute(query)

    def inherited(self):
        return super().execute


class NamedInC:
    """An object that is called in C, as a ufunc of NumPy is, and whose name a C function of its class gives."""

    __slots__ = ("__name__",)
    __call__ = len

    def __init__(self):
        self.__name__ = "spare"


class ProxyInC(NamedInC):
    """An object that is called in C, and stands for another one, whose name it gives as its own."""

    __slots__ = ()
    __class__ = property(lambda _: type(len))


C_CALLABLES = {
    "sqlite3.Cursor.execute": Cursor(connection).inherited(),
    "time.sleep": time.sleep,
    "os.read": os.read,
    "math.factorial": math.factorial,
    "gc.collect": gc.collect,
    "sorted": sorted,
    "compile": compile,
    "list": list,
    "list.sort": [].sort,
    "str.join": "".join,
    "bytes.join": b"".join,
    "dict.fromkeys": dict.fromkeys,
    "int.from_bytes": int.from_bytes,
    "int.__pow__": int.__pow__,
    "open": open,
    "io.BytesIO.read": io.BytesIO().read,
    "io.StringIO.write": io.StringIO().write,
    "re.Pattern.match": re.compile("").match,
    "hashlib.sha256": hashlib.sha256,
    "hashlib.blake2b": hashlib.blake2b,
    "hashlib.HASH.update": hashlib.sha256().update,
    "hashlib.pbkdf2_hmac": hashlib.pbkdf2_hmac,
    "socket.socket.recv": socket.socket.recv,
    "socket.gethostbyname": socket.gethostbyname,
    "sqlite3.Connection.execute": connection.execute,
    "zlib.compress": zlib.compress,
    "zlib.Compress.compress": zlib.compressobj().compress,
    "pickle.dumps": pickle.dumps,
    "pickle.Pickler.dump": pickle.Pickler(io.BytesIO()).dump,
    "threading.Lock.acquire": threading.Lock().acquire,
    "threading.RLock.acquire": threading.RLock().acquire,
    "queue.SimpleQueue.get": queue.SimpleQueue().get,
    "collections.deque.append": collections.deque().append,
    "collections.OrderedDict": collections.OrderedDict,
    "datetime.datetime.now": dt.datetime.now,
    "select.select": select.select,
    "itertools.count": itertools.count,
    "operator.itemgetter": operator.itemgetter(1),
    "random.Random.getrandbits": random.Random().getrandbits,
    "functools.partial": functools.partial,
    "json.JSONEncoder.encode": json.encoder.c_make_encoder,
}


@pytest.mark.parametrize(("name", "function"), C_CALLABLES.items(), ids=list(C_CALLABLES))
def test_c_callables(name, function):
    assert name_of_c_callable(function) == name


def test_a_lock_used_as_a_context_is_acquired():
    assert name_of_c_callable(threading.Lock().__enter__) == "threading.Lock.acquire"


class Jobs(queue.SimpleQueue):
    pass


def test_a_method_that_is_inherited_from_c_belongs_to_the_class_that_defines_it():
    assert name_of_c_callable(Jobs().get) == "queue.SimpleQueue.get"


@pytest.mark.parametrize(
    ("module", "qualname", "name"),
    [
        ("json", "dumps", "json.dumps"),
        ("json.encoder", "JSONEncoder.encode", "json.JSONEncoder.encode"),
        ("collections", "Counter.__init__", "collections.Counter"),
        ("concurrent.futures._base", "Future.result", "concurrent.futures.Future.result"),
        ("django.template.base", "Template.render", "django.template.Template.render"),
        ("urllib.request", "urlopen", "urllib.request.urlopen"),
        ("shop.views", "checkout.<locals>.render", "shop.views.checkout.render"),
        ("a.module.that.is.gone", "function", "a.module.that.is.gone.function"),
        ("", "function", "function"),
    ],
)
def test_functions_of_libraries(module, qualname, name):
    assert django.template.base  # imported, as the others are
    assert name_of_function(module, qualname) == name


class Nameless:
    """What it says of itself is no name."""

    __module__ = 42
    __qualname__ = "Nameless"


def test_a_function_that_python_has_renamed_keeps_the_name_that_programs_use():
    assert name_of_function("re", re.match.__qualname__) == "re.match"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        pytest.param(ctypes.CDLL(None).getpid, "ctypes.getpid", id="in its dictionary"),
        pytest.param(NamedInC(), f"{__name__}.spare", id="by a C function of its class"),
        pytest.param(operator.methodcaller("get"), "operator.methodcaller", id="not at all"),
        pytest.param(ProxyInC(), "len", id="unless it is a proxy"),
    ],
)
def test_an_instance_that_has_a_name_goes_by_it(function, name):
    assert name_of_c_callable(function) == name


def test_an_object_whose_names_are_no_texts_has_a_name():
    assert name_of_c_callable(Nameless()) == "Nameless"
