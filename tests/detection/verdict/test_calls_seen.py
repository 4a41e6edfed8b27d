"""How many calls a step is known to have made: samples show some of them, by the marks on their frames."""

import glob
import json
from dataclasses import replace

import pytest
from django.db.models import QuerySet
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor
from django.db.models.manager import BaseManager
from django.template.base import NodeList, Template

from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight
from loopwatch.detection.verdict.calls_seen import calls_seen as calls_seen_on
from loopwatch.detection.verdict.culprit import culprit_of
from tests.detection import shop
from tests.detection.builders import path, reported, site, stall

CHECKOUT = site(shop.checkout, "json.dumps(total)")
DUMPS = site(json.dumps)
ENCODE = site(json.JSONEncoder.encode)
SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
PRICES = site(shop.price)


def marked(seen, mark):
    return replace(seen, mark=mark)


def calls_seen(*stacks, counts=None, elsewhere=(), is_exact=True):
    through = [path(stack, is_exact=is_exact) for stack in stacks]
    paths = [*through, *(path(stack, 0.1) for stack in elsewhere)]
    return calls_seen_on(culprit_of(paths), paths, counts or {})


def calls_seen_by(*variables, stacks=None):
    """How many calls are seen by the variables of the function that makes them, in the order of the samples."""
    stacks = stacks or [[SLEEPS]] * len(variables)
    numbered = enumerate(zip(stacks, variables, strict=True), 1)
    paths = [path(stack, index, variables=each) for index, (stack, each) in numbered]
    paths = [*paths[::2], *paths[1::2]]
    return calls_seen_on(culprit_of(paths), paths, {})


@pytest.mark.parametrize(
    ("marks", "number"), [((1, 2, 3), 3), ((1, 1, 1), 1), ((1, 1, 2), 2), ((None, None), 1), ((None, 1, 2), 2)]
)
def test_each_frame_of_the_callee_is_a_call(marks, number):
    assert calls_seen(*([marked(DUMPS, mark), CHECKOUT] for mark in marks)) == number


def test_calls_inside_the_callee_do_not_count():
    assert calls_seen(*([marked(ENCODE, mark), marked(DUMPS, 1), CHECKOUT] for mark in range(5))) == 1


def test_a_c_function_was_called_as_often_as_the_function_that_calls_it():
    assert calls_seen([marked(SLEEPS, 1)], [marked(SLEEPS, 2)]) == 2
    assert calls_seen([marked(SLEEPS, 1)], [marked(SLEEPS, 1)]) == 1


def test_a_c_function_that_is_not_certain_does_not_count():
    assert calls_seen([marked(SLEEPS, 1)], [marked(SLEEPS, 2)], is_exact=False) == 1


def test_a_function_that_spends_the_time_itself_counts_its_own_frames():
    assert calls_seen([marked(PRICES, 1), CHECKOUT], [marked(PRICES, 2), CHECKOUT]) == 2


@pytest.mark.parametrize(
    ("stack", "key"), [([DUMPS, CHECKOUT], json.dumps.__code__), ([SLEEPS], "time.sleep")], ids=["Python", "C"]
)
def test_a_trace_has_counted_the_calls(stack, key):
    assert calls_seen(stack, counts={key: 600}) == 600


def test_the_count_of_a_trace_says_nothing_if_other_functions_make_the_call():
    from_elsewhere = [marked(DUMPS, 7), site(shop.add_up)]
    assert calls_seen([DUMPS, CHECKOUT], counts={json.dumps.__code__: 600}, elsewhere=[from_elsewhere]) == 1


@pytest.mark.parametrize(
    ("variables", "number"),
    [
        (((1, 5), (1, 6), (1, 7)), 3),
        (((1, 5), (1, 5), (1, 6)), 2),
        (((1, 5), (1, 6), (1, 5)), 3),  # the address of an object that is gone is given to another one
        ((None, (1, 5), None), 1),
    ],
)
def test_a_c_function_was_called_again_if_a_variable_has_changed(variables, number):
    assert calls_seen_by(*variables) == number


def test_a_call_inside_the_same_call_does_not_end_it():
    recursive = [SLEEPS, CHECKOUT, SLEEPS]
    assert calls_seen_by((1, 5), (2, 6), (1, 5), stacks=[[SLEEPS], recursive, [SLEEPS]]) == 2


def test_the_variables_of_a_function_inside_the_call_say_nothing():
    inside = [DUMPS, replace(SLEEPS, callee=replace(SLEEPS.callee, name="map"))]
    assert calls_seen_by((1,), (2,), (3,), stacks=[inside] * 3) == 1


def test_the_variables_of_an_uncertain_call_say_nothing():
    paths = [path([SLEEPS], index, is_exact=False, variables=(index,)) for index in (1, 2)]
    assert calls_seen_on(culprit_of(paths), paths, {}) == 1


def test_items_of_an_iterator_are_no_calls():
    following = replace(SLEEPS, callee=replace(SLEEPS.callee, name="sqlite3.Cursor.__next__"))
    assert calls_seen_by((1,), (2,), stacks=[[following]] * 2) == 1


RENDER, NODES = site(Template.render), site(NodeList.render)
FOLLOWS = site(ForwardManyToOneDescriptor.__get__)
COUNTS, MANAGER = site(QuerySet.count), site(BaseManager.get_queryset)


@pytest.mark.parametrize(
    ("inside", "number"),
    [
        pytest.param([FOLLOWS, NODES, RENDER], 5, id="queries of a template"),
        pytest.param([FOLLOWS, ENCODE], 5, id="queries of a library"),
        pytest.param([DUMPS, NODES, RENDER], 5, id="calls of a template"),
        pytest.param([ENCODE, DUMPS], 1, id="a library calls itself"),
        pytest.param([NODES, RENDER], 1, id="a template calls itself"),
        pytest.param([DUMPS, COUNTS, MANAGER], 1, id="the ORM calls itself"),
        pytest.param([site(pytest.importorskip), DUMPS], 1, id="a library calls another one"),
    ],
)
def test_calls_inside_a_single_call_count_if_they_are_queries_or_made_by_a_template(inside, number):
    *inner, outermost = inside
    stacks = [[*(marked(each, mark) for each in inner), marked(outermost, 1), CHECKOUT] for mark in range(2, 7)]
    assert calls_seen(*stacks) == number


def test_several_functions_of_the_orm_are_several_queries():
    driver = site(json.loads)
    assert (
        calls_seen([driver, marked(FOLLOWS, 2), RENDER, CHECKOUT], [driver, marked(COUNTS, 3), RENDER, CHECKOUT]) == 2
    )


def test_without_in_app_code_the_queries_count():
    marks = [(2, 1), (3, 1), (3, 4), (3, 5)]
    stacks = [[marked(FOLLOWS, mark), marked(NODES, of_node), RENDER] for mark, of_node in marks]
    request = RequestInFlight(InFlight(), lambda: Request("http", "GET", "shop/"))
    assert reported(*map(path, stacks), of=stall(1.0, request=request)).calls_seen == 2


def test_a_trace_counts_a_decorated_function_once():
    wrapper = site(BaseManager.from_queryset(QuerySet).get.__code__, module=BaseManager.__module__)
    stack = [site(QuerySet.get), wrapper, CHECKOUT]
    assert calls_seen(stack, counts={QuerySet.get.__code__: 600}) == 600


def test_resuming_a_generator_is_no_call():
    assert calls_seen([site(glob._iglob), CHECKOUT], counts={glob._iglob.__code__: 600}) == 1


def test_a_trace_has_timed_the_calls_of_each_place():
    elsewhere = path([site(shop.price, callee="time.sleep")], 0.1, timed=2)
    paths = [path([SLEEPS], timed=30), elsewhere]
    assert calls_seen_on(culprit_of(paths), paths, {"time.sleep": 32}) == 30
