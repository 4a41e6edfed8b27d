"""Imports that run where a name is used for the first time (PEP 810, Python 3.15)."""
# ruff: noqa: B018, F821 - the use of a name is the point, and a lazy import has put it there

import functools
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.interpreter import COMPUTES_FOR_LONG, module
from tests.detection.catalogue.peers import PAUSE_S

catalogue = Catalogue()
NAME = "import heavy_module (lazy)"
SLEEPS = f"import time\ntime.sleep({PAUSE_S})\nvalue = 42\n"
NAMES = ("heavy_module", "value", "short", "until")
another = types.ModuleType("another")


@contextmanager
def imported(statement: str, source: str = COMPUTES_FOR_LONG, *, where=globals, mode: str = "normal") -> Iterator[None]:
    """``statement`` has been executed at the top of a module, and nothing that it imports has been used."""
    namespace = where()
    with module(source):
        sys.set_lazy_imports(mode)
        try:
            exec(compile(statement, __file__, "exec"), namespace)
        finally:
            sys.set_lazy_imports("normal")
        try:
            yield
        finally:
            for name in NAMES:
                namespace.pop(name, None)


def blocks(statement, source=COMPUTES_FOR_LONG, **about):
    given = functools.partial(imported, statement, source, **about)
    return catalogue.blocks(NAME, cause=Cause.IMPORTING, since=(3, 15), given=given)


@blocks("lazy import heavy_module")
async def module_that_computes(truth):
    with truth:
        heavy_module.until  # blocks


@blocks("lazy import heavy_module", SLEEPS)
async def module_that_sleeps(truth):
    with truth:
        heavy_module.value  # blocks


@blocks("lazy import heavy_module as short")
async def module_under_another_name(truth):
    with truth:
        short.until  # blocks


@blocks("lazy from heavy_module import until")
async def name_of_a_module(truth):
    with truth:
        print(end=str(until)[:0])  # blocks


@blocks("lazy from heavy_module import value", SLEEPS)
async def name_that_is_called_with(truth):
    with truth:
        abs(value)  # blocks


@blocks("import heavy_module", mode="all")
async def every_import_is_lazy(truth):
    with truth:
        heavy_module.until  # blocks


@blocks("lazy import heavy_module", where=lambda: vars(another))
async def attribute_of_another_module(truth):
    with truth:
        another.heavy_module.until  # blocks
