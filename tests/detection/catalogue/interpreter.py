"""Code in which the interpreter itself computes or calls: imports, garbage and finalizers."""

import functools
import gc
import importlib
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import OWN_FUNCTION, Catalogue
from tests.detection.catalogue.peers import PAUSE_S
from tests.detection.catalogue.sizes import STALL_S, size_that_takes_long

catalogue = Catalogue()
COMPUTING, WAITING, IMPORTING = Cause.COMPUTING, Cause.WAITING, Cause.IMPORTING

COMPUTES_FOR_LONG = (
    f"import time\nuntil = time.perf_counter() + {STALL_S}\nwhile time.perf_counter() < until:\n    pass\n"
)


# Imports


@contextmanager
def module(source: str) -> Iterator[None]:
    """``heavy_module``, and another one that imports it."""
    with tempfile.TemporaryDirectory() as directory, patch.object(sys, "path", [directory, *sys.path]):
        Path(directory, "heavy_module.py").write_text(source)
        Path(directory, "module_of_heavy.py").write_text("import heavy_module\n")
        importlib.invalidate_caches()
        try:
            with patch.object(sys, "dont_write_bytecode", True):
                yield
        finally:
            for name in ("heavy_module", "module_of_heavy"):
                sys.modules.pop(name, None)
            sys.path_importer_cache.pop(directory, None)


@catalogue.blocks("import heavy_module", cause=IMPORTING, given=functools.partial(module, COMPUTES_FOR_LONG))
async def import_that_computes(truth):
    with truth:
        import heavy_module  # blocks
    assert heavy_module.until


@catalogue.blocks(
    "import heavy_module", cause=IMPORTING, given=functools.partial(module, f"import time\ntime.sleep({PAUSE_S})\n")
)
async def import_that_sleeps(truth):
    with truth:
        import heavy_module  # blocks
    assert heavy_module.time


@catalogue.blocks("import heavy_module", cause=IMPORTING, given=functools.partial(module, COMPUTES_FOR_LONG))
async def import_from(truth):
    with truth:
        from heavy_module import until  # blocks
    assert until


@catalogue.blocks("import module_of_heavy", cause=IMPORTING, given=functools.partial(module, COMPUTES_FOR_LONG))
async def import_through_another(truth):
    with truth:
        import module_of_heavy  # blocks
    assert module_of_heavy.heavy_module


@catalogue.blocks(
    "importlib.import_module",
    "import heavy_module",
    cause=IMPORTING,
    given=functools.partial(module, COMPUTES_FOR_LONG),
)
async def import_by_name(truth):
    with truth:
        importlib.import_module("heavy_module")  # blocks


# Garbage


class Page:
    """Refers to itself, so that only the collector frees it."""

    def __init__(self):
        self.pages = [self]


def pages(count):
    return [Page() for _ in range(count)]


def collect(pages):
    pages.clear()
    gc.collect(0)


@contextmanager
def garbage():
    """Young garbage that takes long to collect, whatever else there is, and a collector that has not begun."""
    gc.collect()
    gc.disable()
    try:
        pages(size_that_takes_long(collect, pages, 10_000)).clear()
        yield
    finally:
        gc.enable()


@catalogue.blocks("gc.collect", cause=Cause.GARBAGE_COLLECTION, is_c=True, given=garbage)
async def garbage_collected_on_demand(truth):
    with truth:
        gc.collect()  # blocks


@catalogue.blocks("gc.collect (automatic)", cause=Cause.GARBAGE_COLLECTION, is_anywhere=True, given=garbage)
async def garbage_collected_automatically(truth):
    with truth:
        gc.enable()
        pages(20_000)


class Connection:
    def __del__(self):
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Connection.__del__")
async def finalizer_that_sleeps(truth):
    connection = Connection()
    with truth:
        del connection


class Cache:
    def __del__(self):
        until = time.perf_counter() + STALL_S  # blocks
        while time.perf_counter() < until:  # blocks
            pass


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, where="Cache.__del__")
async def finalizer_that_computes(truth):
    caches = [Cache()]
    with truth:
        caches.clear()
