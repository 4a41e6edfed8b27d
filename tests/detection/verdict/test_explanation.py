"""Traced calls explain a stall: each has its time, its count and the collections in it; the rest has no name."""

import pytest

from loopwatch.detection.timing.trace import Trace
from loopwatch.detection.verdict.explanation import explain_by_trace
from tests.detection import shop
from tests.detection.builders import collected, named, path, site, trace, traced
from tests.detection.verdict.traced_shop import (
    ADD_UP,
    ADDING_UP,
    CHECKOUT,
    FUNCTION,
    GENERATOR,
    PLUMBING,
    POPPING,
    POPS,
    PRICE,
    SLEEPING,
    SLEEPS,
    SUM_OF_PRICES,
    SUMMING,
    SUMS,
    WHOLE,
    explained,
    shares,
)

TRACED = [
    pytest.param([traced([SLEEPS], 0.0, 4.0, name="time.sleep")], [("time.sleep", 4.0)], id="a C function"),
    pytest.param([traced([CHECKOUT], 0.0, 4.0)], [("shop.checkout?", 4.0)], id="a Python function, somewhere in it"),
    pytest.param(
        [
            traced([SLEEPS], 0.0, 2.0, name="time.sleep"),
            traced([ADD_UP, CHECKOUT], 2.0, 3.0),
            traced([CHECKOUT], 0.0, 4.0, own_s=1.0),
        ],
        [("time.sleep", 2.0), ("shop.add_up?", 1.0), ("shop.checkout?", 1.0)],
        id="each its own time",
    ),
    pytest.param(
        [traced([SLEEPS], 0.0, 3.0, name="time.sleep")],
        [("time.sleep", 3.0), ("-", 1.0)],
        id="nothing for the rest",
    ),
    pytest.param(
        [traced([SLEEPS], 0.0, 2.0, name="time.sleep")],
        [("time.sleep", 2.0), ("-", 2.0)],
        id="nothing for the rest, even if that is half",
    ),
    pytest.param(
        [traced([SLEEPS], 0.0, 1.0, name="time.sleep"), traced([SLEEPS], 1.0, 4.0, name="time.sleep")],
        [("time.sleep", 4.0)],
        id="calls from one place together",
    ),
    pytest.param(
        [traced([CHECKOUT], 0.0, 1.0), traced([SLEEPS], 1.0, 4.0)],
        [("shop.checkout?", 4.0)],
        id="calls of a function together, even if they ended at different lines",
    ),
    pytest.param(
        [traced([SLEEPS], 0.0, 1.0, name="time.sleep"), traced([SLEEPS], 1.0, 4.0)],
        [("time.sleep", 1.0), ("shop.checkout?", 3.0)],
        id="a call and the function that made it, each its own",
    ),
]


@pytest.mark.parametrize(("calls", "paths"), TRACED)
def test_traced_calls_are_given(calls, paths):
    assert shares(explained(calls)) == paths


CLIPPED = [
    pytest.param((0.0, 4.0), [("time.sleep", 2.0)], id="all of a call inside"),
    pytest.param((2.0, 6.0), [("time.sleep", 1.0)], id="the part of one that had begun before"),
    pytest.param((-2.0, 2.0), [("time.sleep", 1.0)], id="the part of one that ended later"),
    pytest.param((-2.0, 6.0), [("time.sleep", 1.0)], id="the part of one that lasted longer"),
    pytest.param((4.0, 6.0), [], id="nothing of one that began as it ended"),
    pytest.param((-2.0, 0.0), [], id="nothing of one that ended as it began"),
    pytest.param((6.0, 8.0), [], id="nothing of one after it"),
    pytest.param((2.0, 2.0), [], id="nothing of one that took no time"),
]


@pytest.mark.parametrize(("call", "paths"), CLIPPED)
def test_the_part_that_a_watch_block_saw_is_given(call, paths):
    elsewhere = path([POPPING], 4.0)
    explanation = explained([traced([SLEEPS], *call, name="time.sleep", own_s=2.0)], [elsewhere])
    assert [each for each in shares(explanation) if each[0] != "list.pop"] == paths


def test_the_part_that_a_watch_block_saw_begins_as_the_block_is_entered():
    calls = [traced([SLEEPS], 1.0, 5.0, name="time.sleep")]
    assert shares(explained(calls, started=2.0, ended=6.0)) == [("time.sleep", 3.0), ("-", 1.0)]


def test_if_most_of_the_time_is_unexplained_nothing_is_named():
    calls = [traced([SLEEPS], 0.0, 1.5, name="time.sleep")]
    assert explained(calls).paths == []


def test_if_most_of_a_part_of_a_step_is_unexplained_nothing_is_named():
    calls = [traced([SLEEPS], 2.0, 3.5, name="time.sleep")]
    assert explained(calls, started=2.0, ended=6.0).paths == []


def test_no_more_is_explained_than_there_was():
    calls = [traced([SLEEPS], 0.0, 4.0, name="time.sleep"), traced([CHECKOUT], 0.0, 4.0)]
    assert shares(explained(calls)) == [("time.sleep", 4.0), ("shop.checkout?", 4.0)]


def test_without_traced_calls_the_samples_explain_the_whole_step():
    sampled = [path([SLEEPING], 3.0), path([POPPING, CHECKOUT], 1.0)]
    assert shares(explained([], sampled)) == [("time.sleep", 3.0), ("list.pop", 1.0)]


def test_without_traced_calls_and_samples_nothing_is_explained():
    assert explain_by_trace(Trace(), [], (), 0.0, 4.0, ()).paths == []


def test_c_functions_known_to_be_on_the_stack_are_named():
    call = traced([POPS, GENERATOR, SUMS, CHECKOUT], 0.0, 4.0, name="list.pop", inside=[SUM_OF_PRICES])
    (first, _) = explained([call]).paths
    assert named(first.nodes) == [
        "shop.checkout",
        "shop.add_up",
        "sum",
        "shop.add_up",
        "shop.price",
        "list.pop",
    ]


# How often, and what was not traced.


def test_calls_are_counted_by_function():
    calls = [
        traced([SLEEPS], 0.0, 1.0, name="time.sleep", count=2),
        traced([site(shop.price)], 1.0, 2.0, name="time.sleep", count=3),
        traced([ADD_UP, CHECKOUT], 2.0, 3.0, count=4),
    ]
    counts = {shop.add_up: 7, shop.Cart.size: 5}
    explanation = explain_by_trace(trace(*calls, counts=counts), [path([], 1.0)], (), 0.0, 4.0, ())
    assert explanation.counts == {"time.sleep": 5, shop.add_up.__code__: 7}
    assert [each.timed for each in explanation.paths] == [2, 3, 4, 0]


def codes(*functions):
    return tuple(function.__code__ for function in functions)


ALL_OF_PRICE = (PRICE.code, GENERATOR.code, SUMS.code, CHECKOUT.code)
HIDDEN = [
    pytest.param([WHOLE], [], (), id="nothing, if a C function took it"),
    pytest.param([FUNCTION], [], codes(shop.add_up), id="the function's own, if it was not sampled"),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 2.0)], [], codes(shop.add_up), id="the function's own, if it took half"
    ),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 1.75), traced([SLEEPS], 2.0, 3.0, name="time.sleep")],
        [],
        (),
        id="nothing, if no part took half",
    ),
    pytest.param([FUNCTION], [(4.0, [ADD_UP, CHECKOUT])], (), id="nothing, if the function itself took it"),
    pytest.param(
        [FUNCTION], [(4.0, [ADDING_UP, CHECKOUT])], codes(shop.add_up), id="what calls the C function that took it"
    ),
    pytest.param(
        [FUNCTION],
        [(1.0, [ADD_UP, CHECKOUT]), (3.0, [PRICE, GENERATOR, SUMMING, CHECKOUT])],
        ALL_OF_PRICE[:3],
        id="what the heaviest sample shows, from the function inward",
    ),
    pytest.param([traced([PLUMBING], 0.0, 4.0)], [(4.0, [PLUMBING])], (), id="nothing, if plumbing itself took it"),
    pytest.param([], [(4.0, [PRICE, GENERATOR, SUMMING, CHECKOUT])], ALL_OF_PRICE, id="all of it, if none was traced"),
    pytest.param([], [(4.0, [CHECKOUT])], codes(shop.checkout), id="a function that the loop called"),
    pytest.param([], [], (), id="nothing that is known"),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 1.0), traced([SLEEPS], 1.0, 2.0)], [], (), id="nothing, if the rest took half"
    ),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 1.0)],
        [(1.0, [ADD_UP, CHECKOUT]), (3.0, [SLEEPING])],
        codes(shop.checkout),
        id="what the rest shows, if that took more",
    ),
]


@pytest.mark.parametrize(("calls", "sampled", "hidden"), HIDDEN)
def test_the_code_that_took_long_and_was_not_traced_is(calls, sampled, hidden):
    assert explained(calls, [path(stack, weight_s) for weight_s, stack in sampled]).untimed_callees == hidden


def test_the_code_that_took_half_of_a_part_of_a_step_is_known():
    assert explained([traced([ADD_UP, CHECKOUT], 2.0, 4.0)], started=2.0, ended=6.0).untimed_callees == codes(
        shop.add_up
    )


# Collections.


COLLECTED = [
    pytest.param((0.5, 1.5), [("time.sleep", 1.0), ("shop.price?", 2.0)], id="of the call in which it happened"),
    pytest.param((1.5, 3.0), [("time.sleep", 2.0), ("shop.price?", 2.0)], id="of none, if it was in two calls"),
    pytest.param((2.5, 3.0), [("time.sleep", 2.0), ("shop.price?", 1.5)], id="of a Python function"),
]


@pytest.mark.parametrize(("moments", "net_s"), COLLECTED)
def test_a_collection_is_left_out_of_the_net_time(moments, net_s):
    calls = [traced([SLEEPS], 0.0, 2.0, name="time.sleep"), traced([PRICE], 2.0, 4.0)]
    explanation = explained(calls, collections=collected(moments).own)
    assert [(named(each.nodes)[-1], each.net_s) for each in explanation.paths if each.weight_s] == net_s


def test_a_collection_is_left_out_of_the_innermost_call():
    calls = [traced([SLEEPS], 1.0, 3.0, name="time.sleep"), traced([CHECKOUT], 0.0, 4.0, own_s=2.0)]
    explanation = explained(calls, collections=collected((1.0, 2.0)).own)
    assert [each.net_s for each in explanation.paths if each.weight_s] == [1.0, 2.0]


def test_a_collection_that_a_traced_call_asked_for_is_not_left_out():
    explanation = explained([traced([SLEEPS], 0.0, 4.0, name="gc.collect")], collections=collected((0.0, 4.0)).own)
    assert [each.net_s for each in explanation.paths if each.weight_s] == [4.0]
