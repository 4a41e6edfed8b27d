"""The frames of a stack become nodes: which functions they name, and whose those are."""

import _strptime
import asyncio
import concurrent.futures
import contextlib
import datetime as dt
import glob
import json
import random
import sys
import tempfile
import typing
from dataclasses import replace

import django.template.base as templates
import django.views.decorators.debug as debug
import pytest
from django.contrib import auth
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Manager, QuerySet

from loopwatch.detection.cpython.code_owner import Owner
from loopwatch.detection.verdict.attribution import nodes_of
from tests.detection import shop
from tests.detection.builders import called, inner_code, named, site

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
ADDS_UP = site(shop.checkout, "add_up(cart)")
SUMS = site(shop.add_up, "sum(price(item) for item in cart)", "sum")
GENERATOR = site(inner_code(shop.add_up, "<genexpr>"), "price(item)")
PRICE = site(shop.price, "item.parts.pop()")
POPS = site(shop.price, "item.parts.pop()", "list.pop")
PLUMBING = site(asyncio.sleep)
RENDERED = compile("escape(title)", "<template>", "eval")
GENERATED = compile("factory()", "<string>", "eval")
SENSITIVE = site(auth.authenticate.__code__, module=debug.__name__)
DUMPS = site(json.dumps)
UNKNOWN_WRAPPER = site(inner_code(contextlib.ContextDecorator.__call__, "inner"), module="json.wrapping")
CALLABLE_WRAPPER = site(contextlib.ContextDecorator.__call__, module="json.wrapping")
ENTERS, EXIT_STACK = site(contextlib._GeneratorContextManager.__enter__), site(contextlib.ExitStack.enter_context)
ENTERS_NAME = "contextlib._GeneratorContextManager.__enter__"
SENSITIVE_NAME = "django.views.decorators.debug.sensitive_variables.decorator.sensitive_variables_wrapper"
AUTHENTICATE, GET_USER = site(auth.authenticate, module=auth.__name__), site(auth.get_user)
MANAGER_METHOD = site(Manager.bulk_create.__code__, module=Manager.__module__)
WRAPPER_OF_C = inner_code(tempfile._TemporaryFileWrapper.__getattr__, "func_wrapper")
WRITE = site(WRAPPER_OF_C, callee="io.BufferedRandom.write", module="tempfile")
WRITE_NAME = "tempfile._TemporaryFileWrapper.__getattr__.func_wrapper"
BULK_CREATE = site(QuerySet.bulk_create)


def parse(text):
    return dt.datetime.strptime(text, "%Y")  # noqa: DTZ007


def store(spool, text):
    spool.write(text)


def logged(spool):
    def write(text):
        return spool.write(text)

    return write


TYPINGS_CACHE = site(typing._SpecialGenericAlias.__getitem__.__code__, module="typing")
PARSES = site(parse, 'dt.datetime.strptime(text, "%Y")')
STRPTIME = site(_strptime._strptime)
RESULTS = site(inner_code(concurrent.futures.Executor.map, "result_iterator"), module="concurrent.futures._base")
STORES = site(store, "spool.write(text)")
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
        [STRPTIME, PARSES],
        [f"{__name__}.parse", "datetime.datetime.strptime", "_strptime._strptime"],
        id="a C function that runs a private module of the standard library",
    ),
    pytest.param([DUMPS, PARSES], [f"{__name__}.parse", "json.dumps"], id="not a public module"),
    pytest.param(
        [STRPTIME, site(parse, "dt")],
        [f"{__name__}.parse", "_strptime._strptime"],
        id="not where nothing is called",
    ),
    pytest.param(
        [site(random.Random.choices), PARSES],
        [f"{__name__}.parse", "random.choices"],
        id="a module's function that is the method of an instance",
    ),
    pytest.param(
        [site(json.JSONEncoder.encode), PARSES],
        [f"{__name__}.parse", "json.JSONEncoder.encode"],
        id="not a method that the module offers by no name",
    ),
    pytest.param(
        [RESULTS, PARSES],
        [f"{__name__}.parse", "concurrent.futures.Executor.map"],
        id="a generator that a function of the standard library makes",
    ),
    pytest.param([TYPINGS_CACHE, DUMPS], ["json.dumps"], id="the wrapper of a cache of typing's is left out"),
    pytest.param([POPS, TYPINGS_CACHE, DUMPS], ["json.dumps", "shop.price", "list.pop"], id="with what it calls kept"),
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
        [DUMPS, UNKNOWN_WRAPPER, site(shop.checkout, "json.dumps(total)")],
        ["shop.checkout", *["json.dumps"] * 2],
        id="a wrapper that does not say what it wraps is named as what the source calls",
    ),
    pytest.param(
        [DUMPS, CALLABLE_WRAPPER, site(shop.checkout, "json.dumps(total)")],
        ["shop.checkout", *["json.dumps"] * 2],
        id="so is one that is an object",
    ),
    pytest.param(
        [DUMPS, UNKNOWN_WRAPPER, ADDS_UP],
        ["shop.checkout", "json.wrapping.ContextDecorator.__call__.inner", "json.dumps"],
        id="a wrapper that is called by another name is named as itself",
    ),
    pytest.param(
        [site(glob._iglob), ENTERS, EXIT_STACK, ADDS_UP],
        ["shop.checkout", "glob._iglob"],
        id="a context manager made from a generator is named as the generator",
    ),
    pytest.param([ENTERS, ADDS_UP], ["shop.checkout", ENTERS_NAME], id="unless the generator does not run"),
    pytest.param([site(glob._iglob), ENTERS], [ENTERS_NAME, "glob._iglob"], id="or it is the step"),
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


def test_functions_with_the_same_decorator_are_not_added_up():
    stacks = [BULK_CREATE, MANAGER_METHOD], [site(QuerySet.get), MANAGER_METHOD]
    outer = [nodes_of(stack, is_exact=True, is_calling=True)[0] for stack in stacks]
    assert len({node.key for node in outer}) == 2


def test_a_librarys_wrapper_of_own_code_is_named_as_itself(monkeypatch):
    monkeypatch.setattr(shop, "price", debug.sensitive_variables("item")(shop.price), raising=False)
    monkeypatch.setitem(sys.modules, "shop", shop)
    assert named(nodes_of([PRICE, SENSITIVE], is_exact=True, is_calling=True)) == [SENSITIVE_NAME, "shop.price"]
