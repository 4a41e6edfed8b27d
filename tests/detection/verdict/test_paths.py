"""Samples become paths: which functions they name, how surely, and how much of the stall they stand for."""

import asyncio
import importlib._bootstrap
import json
import sys
import tempfile
from dataclasses import replace
from types import ModuleType

import django.template.base as templates
import django.views.decorators.debug as debug
import pytest
from django.contrib import auth
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Manager, QuerySet

from loopwatch.detection.calls import Cause
from loopwatch.detection.cpython import bytecode
from loopwatch.detection.cpython.code_owner import Owner
from loopwatch.detection.machine import gc_pauses
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.verdict import attribution
from loopwatch.detection.verdict.attribution import nodes_of, paths_of
from tests.detection import shop
from tests.detection.builders import ENTRY, NO_COLLECTION, called, collected, inner_code, named, sample, site

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
ADDS_UP = site(shop.checkout, "add_up(cart)")
SUMS = site(shop.add_up, "sum(price(item) for item in cart)", "sum")
GENERATOR = site(inner_code(shop.add_up, "<genexpr>"), "price(item)")
PRICE = site(shop.price, "item.parts.pop()")
POPS = site(shop.price, "item.parts.pop()", "list.pop")
PERHAPS_POPS = site(shop.price, "item.parts.pop()", called("list.pop", is_certain=False))
PRICE_BEGINS = site(shop.price, ENTRY)
PLUMBING = site(asyncio.sleep)
RENDERED = compile("escape(title)", "<template>", "eval")
GENERATED = compile("factory()", "<string>", "eval")
SENSITIVE = site(auth.authenticate.__code__, module=debug.__name__)
SENSITIVE_NAME = "django.views.decorators.debug.sensitive_variables.decorator.sensitive_variables_wrapper"
AUTHENTICATE, GET_USER = site(auth.authenticate, module=auth.__name__), site(auth.get_user)
MANAGER_METHOD = site(Manager.bulk_create.__code__, module=Manager.__module__)
WRAPPER_OF_C = inner_code(tempfile._TemporaryFileWrapper.__getattr__, "func_wrapper")
WRITE = site(WRAPPER_OF_C, callee="io.BufferedRandom.write", module="tempfile")
WRITE_NAME = "tempfile._TemporaryFileWrapper.__getattr__.func_wrapper"
BULK_CREATE = site(QuerySet.bulk_create)
COLLECTS = site(gc_pauses.GcPauses._note)


def store(spool, text):
    spool.write(text)


def logged(spool):
    def write(text):
        return spool.write(text)

    return write


STORES = site(store, "spool.write(text)")


def names_in(stack, gil, state=Cause.COMPUTING):
    (path,) = paths_of([sample(1.0, stack=stack, gil=gil)], [state], 0.0, 2.0, NO_COLLECTION)
    return named(path.nodes)


@pytest.mark.parametrize(
    ("gil", "stack", "names"),
    [
        pytest.param(GilWait.NONE, [POPS], ["shop.price", "list.pop"], id="a call that leaves the GIL free is seen"),
        pytest.param(
            GilWait.NONE, [PERHAPS_POPS], ["shop.price", "list.pop"], id="a call that leaves the GIL free is certain"
        ),
        pytest.param(
            GilWait.INTERVAL, [POPS], ["shop.price"], id="the GIL handed over in time: the time is Python code's"
        ),
        pytest.param(GilWait.LONG, [POPS], ["shop.price", "list.pop"], id="the GIL kept for long: the call kept it"),
        pytest.param(
            GilWait.LONG, [PERHAPS_POPS], ["shop.price?"], id="the GIL kept for long: perhaps by an operator before"
        ),
        pytest.param(GilWait.LONG, [PRICE], ["shop.price"], id="the GIL kept for long and no call: the code kept it"),
        pytest.param(
            GilWait.CONTESTED, [POPS], ["shop.price?", "list.pop?"], id="the GIL contested: the call is likely"
        ),
        pytest.param(
            GilWait.CONTESTED, [PERHAPS_POPS], ["shop.price?"], id="the GIL contested: not even the call is likely"
        ),
        pytest.param(GilWait.CONTESTED, [PRICE], ["shop.price?"], id="the GIL contested and no call"),
        pytest.param(GilWait.SHARED, [POPS], ["shop.price?"], id="the GIL shared: the sample came too late"),
    ],
)
def test_what_a_sample_names_depends_on_how_long_the_gil_was_waited_for(gil, stack, names):
    assert names_in(stack, gil) == names


def test_a_thread_that_waits_stands_in_the_call_it_was_seen_at():
    assert names_in([POPS], GilWait.SHARED, Cause.WAITING) == ["shop.price", "list.pop"]


@pytest.mark.parametrize(
    ("gil", "names"),
    [
        pytest.param(GilWait.LONG, ["shop.add_up", "sum"], id="what called it back kept the GIL"),
        pytest.param(GilWait.CONTESTED, ["shop.add_up?", "sum?"], id="what called it back is likely"),
    ],
)
def test_a_function_that_has_only_been_entered_says_what_called_it_back(gil, names):
    assert names_in([PRICE_BEGINS, SUMS], gil) == names


@pytest.mark.parametrize(
    ("stack", "names"),
    [
        pytest.param([PRICE_BEGINS, GENERATOR], ["shop.add_up?"], id="called by Python code"),
        pytest.param([PRICE_BEGINS], [], id="called by the loop"),
    ],
)
def test_a_function_that_has_only_been_entered_and_was_not_called_back_says_nothing(stack, names):
    assert names_in(stack, GilWait.LONG) == names


@pytest.mark.parametrize(
    ("gil", "names"),
    [
        pytest.param(GilWait.NONE, ["shop.checkout"], id="the GIL was free"),
        pytest.param(GilWait.INTERVAL, ["shop.checkout"], id="handed over in time"),
        pytest.param(GilWait.LONG, ["shop.checkout?"], id="kept for long, by what came before the plumbing"),
        pytest.param(GilWait.CONTESTED, ["shop.checkout?"], id="contested"),
    ],
)
def test_plumbing_is_not_named_and_what_called_it_is_certain_unless_something_kept_the_gil(gil, names):
    assert names_in([PLUMBING, ADDS_UP], gil) == names


def test_plumbing_that_a_c_function_called_back_does_not_say_that_it_kept_the_gil():
    assert names_in([PLUMBING, SUMS], GilWait.LONG) == ["shop.add_up?"]


@pytest.mark.parametrize("gil", [GilWait.INTERVAL, GilWait.LONG], ids=str)
@pytest.mark.parametrize("stack", [pytest.param([PLUMBING], id="plumbing alone"), pytest.param([], id="no frame")])
def test_where_no_function_is_to_blame_nothing_is_named(stack, gil):
    assert names_in(stack, gil) == []


@pytest.mark.parametrize("gil", [GilWait.INTERVAL, GilWait.LONG, GilWait.CONTESTED, GilWait.SHARED], ids=str)
def test_a_collection_in_the_middle_of_a_call_shows_that_call(gil, monkeypatch):
    monkeypatch.setattr(attribution, "GC_RUNS_INSIDE_CALLS", True)
    assert names_in([COLLECTS, POPS], gil) == ["shop.price", "list.pop"]


@pytest.mark.parametrize(
    ("gil", "names"),
    [
        pytest.param(GilWait.INTERVAL, ["shop.price"], id="handed over in time"),
        pytest.param(GilWait.LONG, ["shop.price", "list.pop"], id="kept for long"),
        pytest.param(GilWait.CONTESTED, ["shop.price?", "list.pop?"], id="contested"),
        pytest.param(GilWait.SHARED, ["shop.price?"], id="shared"),
    ],
)
def test_a_collection_between_instructions_is_a_callback_as_any_other(gil, names, monkeypatch):
    monkeypatch.setattr(attribution, "GC_RUNS_INSIDE_CALLS", False)
    assert names_in([COLLECTS, POPS], gil) == names


@pytest.mark.parametrize("runs_inside_calls", [True, False], ids=["inside a call", "between instructions"])
def test_a_collection_that_the_loop_itself_ran_into_names_nothing(runs_inside_calls, monkeypatch):
    monkeypatch.setattr(attribution, "GC_RUNS_INSIDE_CALLS", runs_inside_calls)
    assert names_in([COLLECTS], GilWait.LONG) == []


WEIGHTS = [
    pytest.param([(1.0, 1.0)], (0.0, 4.0), [4.0], id="one sample stands for all of it"),
    pytest.param([(1.0, 1.0), (3.0, 3.0)], (0.0, 4.0), [2.0, 2.0], id="the time between two is shared equally"),
    pytest.param([(1.0, 1.0), (3.0, 3.0), (4.0, 4.0)], (0.0, 5.0), [2.0, 1.5, 1.5], id="each next to its neighbours"),
    pytest.param([(1.0, 1.0), (2.0, 3.5)], (0.0, 4.0), [1.5, 2.5], id="the wait for the GIL is the later one's"),
    pytest.param([(0.5, 1.0), (3.0, 3.0)], (1.0, 4.0), [3.0], id="one taken as the part began is outside"),
    pytest.param([(0.5, 1.5), (3.0, 3.0)], (1.0, 4.0), [1.25, 1.75], id="one taken inside is inside"),
    pytest.param([(1.0, 1.0), (4.0, 5.0)], (0.0, 4.0), [4.0], id="one due as the part had ended is outside"),
    pytest.param([(1.0, 1.0), (3.0, 5.0)], (0.0, 4.0), [2.0, 2.0], id="one due inside and taken later is inside"),
    pytest.param([(0.5, 3.5), (1.0, 3.75)], (3.0, 4.0), [0.0, 1.0], id="none stands for less than nothing"),
    pytest.param([], (0.0, 4.0), [], id="no samples"),
]


@pytest.mark.parametrize(("moments", "part", "weights_s"), WEIGHTS)
def test_samples_share_the_time_of_the_part(moments, part, weights_s):
    samples = [sample(taken_at, stack=[POPS], requested_at=asked_at) for asked_at, taken_at in moments]
    paths = paths_of(samples, [Cause.COMPUTING] * len(samples), *part, NO_COLLECTION)
    assert [path.weight_s for path in paths] == weights_s


def test_a_path_has_its_own_sample_and_state():
    samples = [sample(1.0, stack=[POPS]), sample(2.0, stack=[SLEEPS])]
    paths = paths_of(samples, [Cause.COMPUTING, Cause.WAITING], 0.0, 3.0, NO_COLLECTION)
    assert [(path.sample, path.state) for path in paths] == [
        (samples[0], Cause.COMPUTING),
        (samples[1], Cause.WAITING),
    ]


NODES = [
    pytest.param([], [], id="an empty stack"),
    pytest.param([SLEEPS], ["shop.checkout", "time.sleep"], id="a call of the user's own function"),
    pytest.param(
        [POPS, GENERATOR, SUMS, ADDS_UP],
        ["shop.checkout", "shop.add_up", "sum", "shop.add_up", "shop.price", "list.pop"],
        id="C functions in the middle of the stack",
    ),
    pytest.param(
        [POPS, PLUMBING, ADDS_UP], ["shop.checkout", "shop.price", "list.pop"], id="plumbing in the middle is left out"
    ),
    pytest.param(
        [site(shop.checkout, "add_up(cart)", "contextvars.Context.run")],
        ["shop.checkout?"],
        id="plumbing in C is left out, and who calls it is not certain",
    ),
    pytest.param(
        [site(shop.checkout, "add_up(cart)", called("mystery", is_resolved=False))],
        ["shop.checkout", "mystery?"],
        id="a call of own code that cannot be resolved is named, and not certain",
    ),
    pytest.param(
        [site(json.dumps, callee=called("cls", is_resolved=False))],
        ["json.dumps"],
        id="a library's call that cannot be resolved is not named",
    ),
    pytest.param(
        [site(json.dumps, callee="zlib.crc32")], ["json.dumps", "zlib.crc32"], id="a library's call that is resolved"
    ),
    pytest.param([site(shop.price, module="")], ["price"], id="own code without a module"),
    pytest.param([site(shop.Cart.size)], ["shop.Cart.size"], id="a method"),
    pytest.param(
        [site(RENDERED, callee="markupsafe.escape", module=""), ADDS_UP],
        ["shop.checkout", "markupsafe.escape"],
        id="what a template calls is called by what renders it",
    ),
    pytest.param(
        [site(GENERATED, callee=called("factory", is_resolved=False), module="shop"), ADDS_UP],
        ["shop.checkout"],
        id="a call of generated code that cannot be resolved is not named",
    ),
    pytest.param(
        [PRICE, site(GENERATED, module="namedtuple_Row"), ADDS_UP],
        ["shop.checkout", "shop.price"],
        id="generated code that own code calls is not named",
    ),
    pytest.param(
        [site(GENERATED, callee="time.sleep", module="shop.rules")],
        ["shop.rules.<module>", "time.sleep"],
        id="generated code that is the step is named",
    ),
    pytest.param(
        [AUTHENTICATE, SENSITIVE, ADDS_UP],
        ["shop.checkout", *["django.contrib.auth.authenticate"] * 2],
        id="a wrapper is named as what it decorates",
    ),
    pytest.param(
        [GET_USER, SENSITIVE, SENSITIVE, ADDS_UP],
        ["shop.checkout", *[SENSITIVE_NAME] * 2, "django.contrib.auth.get_user"],
        id="a wrapper that does not decorate what it calls is named as itself",
    ),
    pytest.param(
        [BULK_CREATE, MANAGER_METHOD, ADDS_UP],
        ["shop.checkout", *["django.db.models.QuerySet.bulk_create"] * 2],
        id="a manager's method is that of its query set",
    ),
    pytest.param(
        [WRITE, STORES],
        [f"{__name__}.store", "io.BufferedRandom.write"],
        id="a library's wrapper of a C function is named as that",
    ),
    pytest.param(
        [replace(WRITE, callee=called("io.BufferedRandom.seek")), STORES],
        [f"{__name__}.store", WRITE_NAME, "io.BufferedRandom.seek"],
        id="a library's closure that calls another C function is named as itself",
    ),
    pytest.param(
        [WRITE], [WRITE_NAME, "io.BufferedRandom.write"], id="a library's closure that is the step is named as itself"
    ),
    pytest.param(
        [site(inner_code(logged, "write"), callee="io.BufferedRandom.write", module="shop"), STORES],
        [f"{__name__}.store", "shop.logged.<locals>.write", "io.BufferedRandom.write"],
        id="own code is named, although it is a wrapper of a C function",
    ),
    pytest.param(
        [site(json.dumps, callee="lib.dumps"), site(shop.checkout, "json.dumps(total)")],
        ["shop.checkout", "json.dumps", "lib.dumps"],
        id="a library's function that is no closure is named as itself, although it calls a C function of its name",
    ),
    pytest.param(
        [site(ASGIRequest._get_files), ADDS_UP],
        ["shop.checkout", "django.core.handlers.asgi.ASGIRequest.FILES"],
        id="the function of a property is named as that",
    ),
]


@pytest.mark.parametrize(("stack", "names"), NODES)
def test_nodes_of_a_stack(stack, names):
    assert named(nodes_of(stack, is_exact=True, is_calling=True)) == names


def test_nodes_are_as_uncertain_as_the_stack():
    assert named(nodes_of([SLEEPS], is_exact=False, is_calling=True)) == ["shop.checkout?", "time.sleep?"]


def test_what_the_innermost_function_calls_is_named_only_if_it_is_calling():
    stack = [POPS, SUMS]
    assert named(nodes_of(stack, is_exact=True, is_calling=False)) == ["shop.add_up", "sum", "shop.price"]


@pytest.mark.parametrize(
    ("callee", "caller", "owner", "package"),
    [
        pytest.param("sorted", shop.price, Owner.STANDARD_LIBRARY, "", id="a builtin"),
        pytest.param("time.sleep", shop.price, Owner.STANDARD_LIBRARY, "", id="of the standard library"),
        pytest.param("numpy.dot", shop.price, Owner.PACKAGE, "numpy", id="of a package"),
        pytest.param(
            "django_speedups.escape",
            templates.Template.render,
            Owner.PACKAGE,
            "django",
            id="the C half of a package belongs to the package",
        ),
        pytest.param(
            "sorted", templates.Template.render, Owner.STANDARD_LIBRARY, "", id="a builtin called by a package"
        ),
    ],
)
def test_whose_a_c_function_is(callee, caller, owner, package):
    node = nodes_of([site(caller, callee=callee)], is_exact=True, is_calling=True)[-1]
    assert (node.name, node.owner, node.package, node.is_c) == (callee, owner, package, True)


@pytest.mark.parametrize(
    ("function", "owner", "package"),
    [
        pytest.param(shop.price, Owner.IN_APP, "shop", id="the site's own"),
        pytest.param(json.dumps, Owner.STANDARD_LIBRARY, "", id="of the standard library"),
        pytest.param(templates.Template.render, Owner.PACKAGE, "django", id="of a package"),
    ],
)
def test_whose_a_python_function_is(function, owner, package):
    (node,) = nodes_of([site(function)], is_exact=True, is_calling=True)
    assert (node.owner, node.package, node.is_c) == (owner, package, False)


def test_calls_of_one_c_function_are_one_node_wherever_they_are_made():
    first, second = (
        nodes_of([site(function, callee="sorted")], is_exact=True, is_calling=True)[-1]
        for function in (shop.price, json.dumps)
    )
    assert first.key == second.key
    assert first.key != first.name


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
    uses_it = replace(site(code, "json"), lazily_imports="json")
    nodes = nodes_of([POPS, BODY, FIND, uses_it], is_exact=True, is_calling=True)
    assert named(nodes) == ["shop.checkout", "import json (lazy)"]


def test_an_import_stands_at_the_import_machinery_of_the_standard_library():
    node = nodes_of([FIND, IMPORTS], is_exact=True, is_calling=True)[-1]
    assert (node.site, node.owner, node.package, node.is_c) == (FIND, Owner.STANDARD_LIBRARY, "", False)


def test_a_function_that_runs_a_comprehension_is_certain_though_what_it_calls_there_has_no_name():
    """Before Python 3.12 a comprehension is a function of its own."""
    comprehension = site(inner_code(shop.add_up, "<genexpr>").replace(co_name="<listcomp>"), module="shop")
    caller = site(shop.add_up, callee=called("", is_resolved=False))
    assert names_in([comprehension, caller], GilWait.INTERVAL)[0] == "shop.add_up"
    assert names_in([GENERATOR, caller], GilWait.INTERVAL)[0] == "shop.add_up?"


GENERATING = """
class Client:
    pass

def make_method():
    def call(self):
        pass
    return call

S3 = type("S3", (Client,), {"put_object": make_method(), "list_buckets": make_method()})
Made, S3 = [S3], None
"""


def back_up(client):
    client.put_object()
    client.list_buckets()


@pytest.fixture
def generated(monkeypatch):
    """The node of a method that a library has generated, by the expression that calls it."""
    library = ModuleType("storage")
    exec(compile(GENERATING, pytest.__file__, "exec"), vars(library))
    monkeypatch.setitem(sys.modules, "storage", library)
    code = library.Made[0].put_object.__code__
    return lambda at: nodes_of([site(code, module="storage"), site(back_up, at)], is_exact=True, is_calling=True)[-1]


def test_a_method_that_a_library_has_generated_is_named_by_its_class_and_the_name_called(generated):
    names = [generated(at).name for at in ("client.put_object()", "client.list_buckets()")]
    assert names == ["storage.S3.put_object", "storage.S3.list_buckets"]


def test_generated_methods_are_not_added_up(generated):
    assert generated("client.put_object()").key != generated("client.list_buckets()").key


def test_functions_with_the_same_decorator_are_not_added_up():
    stacks = [BULK_CREATE, MANAGER_METHOD], [site(QuerySet.get), MANAGER_METHOD]
    outer = [nodes_of(stack, is_exact=True, is_calling=True)[0] for stack in stacks]
    assert len({node.key for node in outer}) == 2


def test_a_librarys_wrapper_of_own_code_is_named_as_itself(monkeypatch):
    monkeypatch.setattr(shop, "price", debug.sensitive_variables("item")(shop.price), raising=False)
    monkeypatch.setitem(sys.modules, "shop", shop)
    assert named(nodes_of([PRICE, SENSITIVE], is_exact=True, is_calling=True)) == [SENSITIVE_NAME, "shop.price"]


def test_a_collection_is_set_apart_from_the_time_in_which_it_happened():
    samples = [sample(1.0, stack=[POPS]), sample(3.0, stack=[SLEEPS])]
    paths = paths_of(samples, [Cause.COMPUTING] * 2, 0.0, 4.0, collected((1.5, 3.0)))
    assert [(path.weight_s, path.net_s) for path in paths] == [(2.0, 1.5), (2.0, 1.0)]


def test_a_collection_that_the_code_asked_for_is_not_set_apart():
    asks = site(shop.price, "item.parts.pop()", "gc.collect")
    (path,) = paths_of([sample(1.0, stack=[asks])], [Cause.COMPUTING], 0.0, 2.0, collected((0.0, 2.0)))
    assert path.net_s == 2.0
