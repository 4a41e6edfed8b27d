"""Paths become a culprit: inward to what took most of the time, then outward to where that library was entered."""

import importlib._bootstrap
import json
from dataclasses import replace

import django.template.base as templates
import pytest
from django.utils import html

from loopwatch.detection.cpython.templates import DjangoTemplate
from loopwatch.detection.verdict.attribution import is_import
from loopwatch.detection.verdict.culprit import culprit_of, entry_of, own_node
from tests.detection import shop
from tests.detection.builders import ENTRY, inner_code, path, site

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
CHECKOUT = site(shop.checkout, "add_up(cart)")
DUMPS_FROM = site(shop.checkout, "json.dumps(total)")
ADD_UP = site(shop.add_up, "sum(price(item) for item in cart)", "sum")
GENERATOR = site(inner_code(shop.add_up, "<genexpr>"), "price(item)")
MAX = site(shop.add_up, "max(cart, key=lambda item: item.weight)", "max")
KEY = site(inner_code(shop.add_up, "<lambda>"))
PRICE = site(shop.price)
POPS = site(shop.price, "item.parts.pop()", "list.pop")
DUMPS = site(json.dumps)
ENCODE = site(json.JSONEncoder.encode)
ITERENCODE = site(json.JSONEncoder.iterencode, callee="json.JSONEncoder.encode")
RENDER = site(templates.Template.render)
RENDER_NODES = site(templates.NodeList.render)
ESCAPE = site(html.escape)
IMPORTS = [site(importlib._bootstrap._find_and_load), site(shop.load_models, "import sqlite3")]

CULPRITS = [
    pytest.param([(1.0, [SLEEPS])], "time.sleep", id="the innermost call that all of the time was seen in"),
    pytest.param([(0.6, [SLEEPS]), (0.4, [CHECKOUT])], "time.sleep", id="a call that had most of the time"),
    pytest.param(
        [(0.75, [SLEEPS]), (1.25, [CHECKOUT])],
        "shop.checkout",
        id="the function, if its calls had less than half of two seconds",
    ),
    pytest.param([(0.5, [SLEEPS]), (0.5, [CHECKOUT])], "time.sleep", id="a call that had half of the time"),
    pytest.param([(0.4, [SLEEPS]), (0.6, [CHECKOUT])], "shop.checkout", id="the function, if no call had half of it"),
    pytest.param(
        [(0.4, [SLEEPS]), (0.3, [POPS, CHECKOUT]), (0.3, [DUMPS, DUMPS_FROM])],
        "shop.checkout",
        id="the function, if its calls had a little of it each",
    ),
    pytest.param(
        [(0.3, [SLEEPS]), (0.4, [POPS, CHECKOUT]), (0.3, [PRICE, CHECKOUT])],
        "shop.price",
        id="a function that had most of the time, if nothing that it called had",
    ),
    pytest.param(
        [(0.3, [SLEEPS]), (0.4, [POPS]), (0.3, [RENDER])],
        "shop.price",
        id="the heaviest function that the loop called, if none had half of it",
    ),
    pytest.param(
        [(0.53, [DUMPS, DUMPS_FROM]), (0.47, [SLEEPS])],
        "time.sleep",
        id="the first of two calls that had about half each",
    ),
    pytest.param(
        [(0.54, [DUMPS, DUMPS_FROM]), (0.46, [POPS, CHECKOUT])],
        "list.pop",
        id="what the first of two calls did, if they had about half each",
    ),
    pytest.param(
        [(0.54, [DUMPS, DUMPS_FROM]), (0.26, [POPS, CHECKOUT]), (0.2, [PRICE, CHECKOUT])],
        "shop.price",
        id="only the first of two calls, if nothing that it did had most of its time",
    ),
    pytest.param(
        [(0.56, [DUMPS, DUMPS_FROM]), (0.44, [SLEEPS])], "json.dumps", id="the heavier of two calls that differ clearly"
    ),
    pytest.param([(0.1, []), (0.9, [SLEEPS])], "time.sleep", id="a call, even if plumbing was seen as well"),
    pytest.param([(0.6, []), (0.4, [SLEEPS])], "shop.checkout", id="no call, if the plumbing had most of the time"),
    pytest.param([(1.0, [ITERENCODE, ENCODE, DUMPS, DUMPS_FROM])], "json.dumps", id="where the library was entered"),
    pytest.param([(1.0, [KEY, MAX])], "max", id="what called a lambda"),
    pytest.param([(1.0, [SLEEPS, *IMPORTS])], "import sqlite3", id="an import"),
]


@pytest.mark.parametrize(("paths", "name"), CULPRITS)
def test_the_culprit_is(paths, name):
    assert culprit_of([path(stack, weight_s) for weight_s, stack in paths]).node.name == name


@pytest.mark.parametrize("paths", [pytest.param([], id="none seen"), pytest.param([path([])], id="only plumbing seen")])
def test_there_is_no_culprit_where_no_function_was_seen(paths):
    assert culprit_of(paths) is None


CALLS = [
    pytest.param(
        [(1.0, [DUMPS, DUMPS_FROM])], "shop.checkout", "json.dumps", id="the call that an in-app function made"
    ),
    pytest.param(
        [(0.6, [ENCODE, DUMPS, RENDER, CHECKOUT]), (0.4, [ESCAPE, RENDER, CHECKOUT])],
        "shop.checkout",
        "django.template.Template.render",
        id="what the line called, even if another library took the time",
    ),
    pytest.param(
        [(0.4, [DUMPS, RENDER, CHECKOUT]), (0.6, [ESCAPE, RENDER, CHECKOUT])],
        "shop.checkout",
        "django.template.Template.render",
        id="what the line called, if nothing that it called had half of the time",
    ),
    pytest.param(
        [(1.0, [PRICE, RENDER, CHECKOUT])], "shop.price", "shop.price", id="in-app code that a library called"
    ),
    pytest.param(
        [(0.4, [POPS, CHECKOUT]), (0.4, [PRICE, CHECKOUT]), (0.2, [CHECKOUT])],
        "shop.price",
        "shop.price",
        id="the function itself, if none of its calls had half of the time",
    ),
    pytest.param([(1.0, [MAX])], "shop.add_up", "max", id="a C function that an in-app function called"),
    pytest.param([(1.0, [KEY, MAX])], "shop.add_up", "max", id="what called a lambda"),
    pytest.param([(1.0, [SLEEPS, *IMPORTS])], "shop.load_models", "import sqlite3", id="an import"),
    pytest.param(
        [(1.0, [ENCODE, DUMPS, RENDER])],
        "django.template.Template.render",
        "json.dumps",
        id="the outermost function and its call, if none is in-app",
    ),
    pytest.param([(1.0, [DUMPS])], "json.dumps", "json.dumps", id="the outermost function, if that is all there is"),
]


@pytest.mark.parametrize(("paths", "function", "called"), CALLS)
def test_a_finding_is_identified_by(paths, function, called):
    culprit = culprit_of([path(stack, weight_s) for weight_s, stack in paths])
    assert (culprit.function.name, culprit.called.name) == (function, called)


def test_the_culprit_has_the_time_of_every_call_that_its_function_made():
    paths = [path([SLEEPS], 0.5), path([POPS], 0.125), path([SLEEPS, CHECKOUT], 0.25), path([CHECKOUT], 0.125)]
    culprit = culprit_of(paths)
    assert culprit.paths == (paths[0], paths[2])
    assert culprit.weight_s == 0.75


def test_the_same_call_made_by_another_function_is_not_the_culprits_time():
    paths = [path([SLEEPS], 0.5), path([site(shop.price, callee="time.sleep")], 0.3), path([PRICE], 0.2)]
    assert culprit_of(paths).paths == (paths[0],)


def test_the_time_of_a_call_is_all_that_went_through_it_and_not_only_through_the_detail():
    paths = [path([DUMPS, RENDER, CHECKOUT], 0.6), path([ESCAPE, RENDER, CHECKOUT], 0.3), path([CHECKOUT], 0.1)]
    culprit = culprit_of(paths)
    assert (culprit.node.name, culprit.weight_s) == ("json.dumps", pytest.approx(0.9))


def test_a_function_that_spends_its_own_time_has_that_of_what_it_called_too():
    culprit = culprit_of([path([CHECKOUT], 0.5), path([SLEEPS], 0.4), path([POPS], 0.1)])
    assert (culprit.called.name, culprit.weight_s) == ("shop.checkout", pytest.approx(0.9))


def entered(stack, depth=None):
    nodes = path(stack).nodes
    return nodes[entry_of(nodes, len(nodes) - 1 if depth is None else depth)].name


ENTRIES = [
    pytest.param([POPS, CHECKOUT], "list.pop", id="a C function called by own code"),
    pytest.param([PRICE, CHECKOUT], "shop.price", id="own code, called by own code"),
    pytest.param([ITERENCODE, ENCODE, DUMPS, DUMPS_FROM], "json.dumps", id="the standard library, from its C function"),
    pytest.param([RENDER_NODES, RENDER, CHECKOUT], "django.template.Template.render", id="a package"),
    pytest.param([ESCAPE, RENDER, CHECKOUT], "django.template.Template.render", id="another module of a package"),
    pytest.param([DUMPS, RENDER, CHECKOUT], "json.dumps", id="the standard library, called by a package"),
    pytest.param([RENDER, DUMPS, CHECKOUT], "django.template.Template.render", id="a package, called by a library"),
    pytest.param([site(pytest.approx), RENDER], "pytest.approx", id="a package, called by another"),
    pytest.param([DUMPS, site(shop.price, module="")], "json.dumps", id="a library, called by own code of no module"),
    pytest.param([RENDER_NODES, RENDER], "django.template.Template.render", id="a package that the loop called"),
    pytest.param([GENERATOR], "shop.add_up", id="a generator that the loop called"),
    pytest.param([GENERATOR, ADD_UP], "sum", id="what uses a generator"),
    pytest.param([KEY, GENERATOR, site(shop.add_up)], "shop.add_up", id="what uses a lambda inside a generator"),
    pytest.param(IMPORTS, "import sqlite3", id="an import, even if a library imports"),
    pytest.param([IMPORTS[0], DUMPS], "import", id="an import by the standard library"),
]


@pytest.mark.parametrize(("stack", "name"), ENTRIES)
def test_going_outward_leads_to(stack, name):
    assert entered(stack) == name


def test_going_outward_begins_at_the_depth_that_is_asked_for():
    assert entered([POPS, CHECKOUT], depth=1) == "shop.price"


@pytest.mark.parametrize(
    ("depth", "name"),
    [
        pytest.param(0, None, id="none outward of it"),
        pytest.param(1, "shop.add_up", id="itself"),
        pytest.param(2, "shop.add_up", id="the one that called a C function"),
        pytest.param(3, "shop.add_up", id="the one that called a library through a C function"),
        pytest.param(4, "shop.price", id="the innermost"),
    ],
)
def test_the_nearest_function_of_the_users_own(depth, name):
    nodes = path([PRICE, DUMPS, ADD_UP, RENDER]).nodes
    own = own_node(nodes, depth)
    assert (own if own is None else nodes[own].name) == name


@pytest.mark.parametrize(
    ("stack", "is_one"),
    [
        pytest.param(IMPORTS, True, id="an import"),
        pytest.param([SLEEPS], False, id="a C function"),
        pytest.param([PRICE], False, id="a Python function"),
    ],
)
def test_whether_a_node_is_an_import(stack, is_one):
    assert is_import(path(stack).nodes[-1]) is is_one


def test_the_heaviest_path_is_of_the_line_that_had_most_of_the_time():
    waits = "time.sleep"
    at_one_line = [path([site(shop.checkout, "add_up(cart)", waits)], weight_s) for weight_s in (0.2, 0.3, 0.1)]
    paths = [path([SLEEPS], 0.4), *at_one_line]
    assert culprit_of(paths).heaviest is at_one_line[1]


def test_the_line_of_the_heaviest_path_is_the_users_even_if_the_library_was_seen_at_several_lines():
    both_lines = [path([site(json.dumps, at), DUMPS_FROM], weight_s) for at, weight_s in ((ENTRY, 0.3), (None, 0.25))]
    elsewhere = path([DUMPS, CHECKOUT], 0.4)
    assert culprit_of([elsewhere, *both_lines]).heaviest is both_lines[0]


def test_the_heaviest_path_is_one_that_shows_the_detail():
    lines = [path([ESCAPE, RENDER, CHECKOUT], 0.4), path([DUMPS, RENDER, CHECKOUT], 0.3)]
    paths = [*lines, path([ENCODE, DUMPS, RENDER, CHECKOUT], 0.3)]
    assert culprit_of(paths).heaviest.nodes[-1].name.startswith("json.")


def test_the_line_of_the_heaviest_path_is_the_culprits_where_no_function_is_the_users():
    begins, calls = site(json.dumps, ENTRY), site(json.dumps)
    paths = [path([begins], 0.4), path([calls], 0.3), path([calls], 0.35)]
    assert culprit_of(paths).heaviest is paths[2]


@pytest.mark.parametrize(
    ("exact_s", "is_exact"),
    [
        pytest.param(0.75, True, id="most of the time"),
        pytest.param(0.5, True, id="half of it"),
        pytest.param(0.375, False, id="less than half of it"),
    ],
)
def test_a_culprit_is_exact_if_enough_of_its_time_was_seen_without_doubt(exact_s, is_exact):
    paths = [path([SLEEPS], exact_s), path([SLEEPS], 1 - exact_s, is_exact=False)]
    assert culprit_of(paths).is_exact is is_exact


def test_a_culprit_that_took_a_small_part_of_the_step_is_never_exact():
    held_up = path([DUMPS, DUMPS_FROM], 3.0, delayed=0.75)
    assert culprit_of([path([SLEEPS], 1.0), held_up]).node.name == "time.sleep"
    assert not culprit_of([path([SLEEPS], 1.0), held_up]).is_exact
    assert culprit_of([path([SLEEPS], 2.0), held_up, path([], 2.0)]).is_exact


def test_a_culprit_is_not_exact_if_plumbing_had_most_of_the_step():
    assert culprit_of([path([SLEEPS], 0.5), path([], 0.5)]).is_exact
    assert not culprit_of([path([SLEEPS], 0.45), path([], 0.55)]).is_exact


def test_the_heaviest_path_is_of_the_line_of_a_template_that_had_most_of_the_time():
    node = site(templates.Node.render_annotated)
    first, second = (
        replace(node, template=DjangoTemplate("list.html", "/srv/list.html", lineno, "{% for %}")) for lineno in (1, 2)
    )
    at_second = [path([second, RENDER, DUMPS_FROM], weight_s) for weight_s in (0.25, 0.375)]
    assert culprit_of([path([first, RENDER, DUMPS_FROM], 0.5), *at_second]).heaviest is at_second[1]
