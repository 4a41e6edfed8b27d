"""The frames of an import become one node."""

import importlib._bootstrap
from dataclasses import replace

import pytest

from loopwatch.detection.cpython import bytecode
from loopwatch.detection.cpython.code_owner import Owner
from loopwatch.detection.verdict.attribution import nodes_of
from tests.detection import shop
from tests.detection.builders import named, site

PRICE = site(shop.price, "item.parts.pop()")
POPS = site(shop.price, "item.parts.pop()", "list.pop")
FIND = site(importlib._bootstrap._find_and_load)
LOAD = site(importlib._bootstrap._load_unlocked)
IMPORTS = site(shop.load_models, "import sqlite3")
BODY = site(compile("connect()", "/srv/site/models/__init__.py", "exec"), module="models")
OTHER_BODY = site(compile("connect()", "/srv/site/models/table.py", "exec"), module="models.table")
IMPORT_NAMES = [
    pytest.param([FIND, IMPORTS], ["shop.load_models", "import sqlite3"], id="named by the import statement"),
    pytest.param(
        [POPS, BODY, FIND, IMPORTS],
        ["shop.load_models", "import sqlite3"],
        id="one operation, however deep the imported code goes",
    ),
    pytest.param(
        [OTHER_BODY, FIND, BODY, LOAD, FIND, site(shop.load_models)],
        ["shop.load_models", "import models"],
        id="without a statement, named by the outermost module that is imported",
    ),
    pytest.param(
        [OTHER_BODY, FIND, BODY, LOAD, FIND, replace(site(shop.load_models), imports="models.table")],
        ["shop.load_models", "import models.table"],
        id="without a statement, named by the module that is asked for if that is known",
    ),
    pytest.param([PRICE, BODY, FIND], ["import models"], id="without a function that imports"),
    pytest.param([FIND], ["import"], id="without any name"),
]


@pytest.mark.parametrize(("stack", "names"), IMPORT_NAMES)
def test_an_import_is_one_node(stack, names):
    assert named(nodes_of(stack, is_exact=False, is_calling=True)) == [
        name if name.startswith("import") else f"{name}?" for name in names
    ]


def test_an_import_that_the_use_of_a_name_sets_off_is_a_lazy_one(monkeypatch):
    monkeypatch.setattr(bytecode, "HAS_LAZY_IMPORTS", True)
    code = shop.checkout.__code__.replace(co_name="imports_lazily")  # answers are cached by code
    uses_it = replace(site(code, "json"), imports="json")
    nodes = nodes_of([POPS, BODY, FIND, uses_it], is_exact=True, is_calling=True)
    assert named(nodes) == ["shop.checkout", "import json (lazy)"]


def test_an_import_stands_at_the_import_machinery_of_the_standard_library():
    node = nodes_of([FIND, IMPORTS], is_exact=True, is_calling=True)[-1]
    assert (node.site, node.owner, node.package, node.is_c) == (FIND, Owner.STANDARD_LIBRARY, "", False)
