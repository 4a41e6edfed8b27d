"""Which module a lazy import brings in, and what the report calls it."""

import importlib._bootstrap
import sys
import types

import pytest

from loopwatch.detection.cpython import bytecode
from loopwatch.detection.cpython.instructions import instructions_of
from loopwatch.detection.cpython.lazy_imports import module_of
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.verdict.attribution import nodes_of

pytestmark = pytest.mark.skipif(sys.version_info < (3, 15), reason="Python 3.15 brings lazy imports")
IMPORTS = """
lazy import heavy_a
lazy import heavy_b as short
lazy import package.heavy_c
lazy from heavy_d import value
lazy from package import heavy_e as other
"""
BOOTSTRAP = Site(importlib._bootstrap._find_and_load.__code__, 0, "importlib._bootstrap")


def place_of(expression):
    """Where code stands that has come to evaluate ``expression``, and the globals of its module."""
    namespace = {"shop": types.ModuleType("shop"), "number": 42}
    exec(IMPORTS, namespace)
    exec(IMPORTS, vars(namespace["shop"]))
    code = compile(expression, "views.py", "eval")
    loads = [each for each in instructions_of(code) if bytecode.lazily_loaded_at(code, each.offset) is not None]
    return code, loads[-1].offset, namespace


@pytest.mark.parametrize(
    ("expression", "module"),
    [
        ("heavy_a", "heavy_a"),
        ("short", "heavy_b"),
        ("package", "package.heavy_c"),
        ("value", "heavy_d"),
        ("other", "package.heavy_e"),
        ("shop.heavy_a", "heavy_a"),
        ("shop.value", "heavy_d"),
        ("shop.name", ""),
        ("number", ""),
        ("missing", ""),
    ],
)
def test_the_module_is_the_one_that_the_statement_names(expression, module):
    assert module_of(*place_of(expression)) == module


def test_nothing_is_imported_by_looking():
    _, _, namespace = place = place_of("heavy_a")
    module_of(*place)
    assert type(namespace["heavy_a"]) is types.LazyImportType


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param("heavy_a", "import heavy_a (lazy)", id="known"),
        pytest.param("", "import (lazy)", id="not known"),
    ],
)
def test_the_report_says_that_it_was_lazy(module, name):
    code, offset, _ = place_of("heavy_a")
    nodes = nodes_of([BOOTSTRAP, Site(code, offset, "views", imports=module)], is_exact=True, is_calling=False)
    assert nodes[-1].name == name


def test_an_import_that_is_called_for_is_not_lazy():
    code = compile("__import__('heavy_a')", "views.py", "eval")
    offset = next(each.offset for each in instructions_of(code) if each.name == "CALL")
    nodes = nodes_of([BOOTSTRAP, Site(code, offset, "views")], is_exact=True, is_calling=False)
    assert nodes[-1].name == "import"
