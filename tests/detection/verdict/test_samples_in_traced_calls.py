"""Samples share the time of the traced call they were taken in, and name what it called."""

import contextlib

import pytest
from django.db.models import Manager, QuerySet

from loopwatch.detection.calls import Cause
from loopwatch.detection.tracing import step_trace
from tests.detection import shop
from tests.detection.builders import ENTRY, named, path, sample, site, traced
from tests.detection.verdict.traced_shop import (
    ADD_UP,
    ADDING_UP,
    CHECKOUT,
    DUMPS,
    FUNCTION,
    GENERATOR,
    PLUMBING,
    POPPING,
    PRICE,
    SLEEPING,
    SLEEPS,
    SUM_OF_PRICES,
    SUMMING,
    SUMS,
    WHOLE,
    explained,
    moved,
    shares,
)

TRACER = site(step_trace.StepTrace.call_ended)

DEALT_OUT = [
    pytest.param([WHOLE], [(4.0, [SLEEPING])], [("time.sleep", 4.0)], id="a C call: those that show it say no more"),
    pytest.param(
        [traced([SUMS, CHECKOUT], 0.0, 4.0, name="sum")],
        [(3.0, [POPPING, GENERATOR, SUMS, CHECKOUT]), (1.0, [SUMMING, CHECKOUT])],
        [("list.pop", 4.0)],
        id="a C call: those of what it called back share its time",
    ),
    pytest.param(
        [FUNCTION],
        [(3.0, [ADDING_UP, CHECKOUT]), (1.0, [PRICE, GENERATOR, SUMMING, CHECKOUT])],
        [("max", 3.0), ("shop.price", 1.0)],
        id="a function: those that stood in it share its time",
    ),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 2.0)],
        [(1.5, [ADDING_UP, CHECKOUT]), (0.5, [PRICE, GENERATOR, SUMMING, CHECKOUT]), (2.0, [SLEEPING])],
        [("max", 1.5), ("shop.price", 0.5), ("time.sleep", 2.0)],
        id="a function, and the rest: each its own",
    ),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 3.0)],
        [(1.5, [ADDING_UP, CHECKOUT]), (0.75, [PRICE, GENERATOR, SUMMING, CHECKOUT])],
        [("max", 2.0), ("shop.price", 1.0), ("-", 1.0)],
        id="a function: if they say too little, they share all of it",
    ),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 3.0), traced([CHECKOUT], 0.0, 4.0, own_s=1.0)],
        [(3.0, [ADDING_UP, CHECKOUT]), (1.0, [SLEEPING])],
        [("max", 3.0), ("time.sleep", 1.0)],
        id="a function inside a function: each those that it was innermost for",
    ),
    pytest.param(
        [traced([SLEEPS], 0.0, 3.0, name="time.sleep"), traced([CHECKOUT], 0.0, 4.0, own_s=1.0)],
        [(3.0, [SLEEPING]), (1.0, [CHECKOUT])],
        [("time.sleep", 3.0), ("shop.checkout", 1.0)],
        id="a C call inside a function: each those that it was innermost for",
    ),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 4.0)],
        [(4.0, [site(shop.add_up, ENTRY), DUMPS])],
        [("shop.add_up?", 4.0)],
        id="a function: not those of another call of it",
    ),
    pytest.param(
        [traced([ADD_UP, CHECKOUT], 0.0, 3.0)],
        [(0.25, [ADDING_UP, CHECKOUT]), (0.5, [PRICE, GENERATOR, SUMMING, CHECKOUT])],
        [("max", 1.0), ("shop.price", 2.0), ("-", 1.0)],
        id="a function: however little they say, they share its time as they are long",
    ),
    pytest.param(
        [FUNCTION],
        [(0.0, [ADDING_UP, CHECKOUT]), (0.0, [PRICE, GENERATOR, SUMMING, CHECKOUT])],
        [("max", 2.0), ("shop.price", 2.0)],
        id="a function: those that stand for no time share it equally",
    ),
]


@pytest.mark.parametrize(("calls", "sampled", "paths"), DEALT_OUT)
def test_samples_explain(calls, sampled, paths):
    assert shares(explained(calls, [path(stack, weight_s) for weight_s, stack in sampled])) == paths


SURPLUS = [
    pytest.param(
        [traced([SLEEPS], 0.0, 1.0, name="time.sleep")],
        [("time.sleep", 1.0), ("time.sleep", 3.0)],
        id="goes to the rest",
    ),
    pytest.param(
        [traced([SLEEPS], 0.0, 1.0, name="time.sleep"), traced([CHECKOUT], 0.0, 4.0, own_s=3.0)],
        [("time.sleep", 1.0), ("time.sleep", 3.0)],
        id="goes to the function around it",
    ),
    pytest.param(
        [traced([CHECKOUT], 0.0, 4.0, own_s=3.0), traced([SLEEPS], 0.0, 1.0, name="time.sleep")],
        [("time.sleep", 3.0), ("time.sleep", 1.0)],
        id="goes to the function around it, even if that ended first",
    ),
    pytest.param(
        [traced([CHECKOUT], 0.0, 2.0, own_s=1.0), traced([SLEEPS], 0.0, 1.0, name="time.sleep")],
        [("time.sleep", 1.0), ("time.sleep", 1.0), ("time.sleep", 2.0)],
        id="goes on from there",
    ),
    pytest.param(
        [traced([SLEEPS], 0.0, 3.5, name="time.sleep")],
        [("time.sleep", 3.5), ("-", 0.5)],
        id="is none if it is small: each sample stands for the time around it",
    ),
    pytest.param(
        [traced([SLEEPS], 0.0, 3.0, name="time.sleep")],
        [("time.sleep", 3.0), ("time.sleep", 1.0)],
        id="is some if it is a quarter",
    ),
    pytest.param(
        [traced([CHECKOUT], 0.0, 4.0, own_s=3.0, count=2), traced([SLEEPS], 0.0, 1.0, name="time.sleep")],
        [("shop.checkout", 3.0), ("time.sleep", 1.0)],
        id="is the function's own if that was called many times: its calls are quick, or they would be traced",
    ),
]


@pytest.mark.parametrize(("calls", "paths"), SURPLUS)
def test_what_samples_say_of_a_call_beyond_what_it_lasted(calls, paths):
    assert shares(explained(calls, [path([SLEEPING], 4.0)])) == paths


def test_only_what_goes_beyond_a_call_is_passed_on_to_the_rest():
    sampled = [path([SLEEPING], 4.0), path([POPPING], 1.0)]
    explanation = explained([traced([SLEEPS], 0.0, 1.0, name="time.sleep")], sampled, ended=5.0)
    assert shares(explanation) == [("time.sleep", 1.0), ("list.pop", 1.0), ("time.sleep", 3.0)]


def test_a_small_surplus_of_samples_beyond_a_traced_call_goes_to_the_rest_of_the_step():
    explanation = explained([traced([SLEEPS], 0.0, 0.25, name="time.sleep")], [path([SLEEPING], 0.75)], ended=0.75)
    assert shares(explanation) == [("time.sleep", 0.25), ("time.sleep", 0.5)]


@pytest.mark.parametrize(
    ("stack", "name"),
    [
        pytest.param([ADDING_UP, CHECKOUT], "shop.add_up", id="itself, for the C functions that it calls"),
        pytest.param([PRICE, ADD_UP, CHECKOUT], "shop.price", id="Python functions that it calls"),
        pytest.param([POPPING, ADD_UP, CHECKOUT], "list.pop", id="C functions that those call"),
    ],
)
def test_what_is_named_inside_a_function_that_was_called_many_times(stack, name):
    often = traced([ADD_UP, CHECKOUT], 0.0, 4.0, count=2)
    assert shares(explained([often], [path(stack, 4.0)])) == [(name, 4.0)]


@pytest.mark.parametrize("around", [pytest.param([CHECKOUT], id="called by another"), pytest.param([], id="alone")])
@pytest.mark.parametrize("count", [1, 2])
def test_a_sample_that_came_too_late_to_show_the_function_ends_there(around, count):
    seen = sample(4.0, stack=[site(shop.price, ENTRY), *around])
    late = moved(path(around, 4.0), seen)
    assert shares(explained([traced([PRICE, *around], 0.0, 4.0, count=count)], [late])) == [("shop.price?", 4.0)]


def test_a_sample_that_came_too_late_to_show_what_called_it_back_ends_there():
    late = moved(path([], 4.0), sample(4.0, stack=[site(shop.price, ENTRY), SUMS]))
    assert shares(explained([traced([SUMS], 0.0, 4.0, name="sum")], [late])) == [("sum", 4.0)]


def test_a_sample_inside_of_a_decorators_wrapper_shows_the_wrapper_by_what_it_decorates():
    manager_method = site(Manager.bulk_create.__code__, module=Manager.__module__)
    sampled = path([site(QuerySet.bulk_create), manager_method, CHECKOUT], 4.0)
    seen, _ = explained([traced([manager_method, CHECKOUT], 0.0, 4.0)], [sampled]).paths
    assert named(seen.nodes) == ["shop.checkout", *["django.db.models.QuerySet.bulk_create"] * 2]


def test_a_sample_of_a_function_that_is_plumbing_stays_as_it_is():
    sampled = [path([POPPING, PLUMBING], 4.0)]
    assert shares(explained([traced([PLUMBING], 0.0, 4.0)], sampled)) == [("list.pop", 4.0)]


def test_a_sample_inside_of_a_function_that_only_runs_what_it_is_given_goes_on():
    enters = site(contextlib._GeneratorContextManager.__enter__)
    sampled = [path([POPPING, enters, CHECKOUT], 4.0)]
    (seen, *_) = explained([traced([enters, CHECKOUT], 0.0, 4.0)], sampled).paths
    assert named(seen.nodes) == ["shop.checkout", "shop.price", "list.pop"]


# What the trace knows of a sampled stack.


def test_a_c_function_that_the_trace_knows_is_put_into_the_sampled_stack():
    call = traced([PRICE, GENERATOR, SUMS, CHECKOUT], 0.0, 4.0, inside=[SUM_OF_PRICES])
    (first, _) = explained([call], [path([POPPING, GENERATOR, SUMS, CHECKOUT], 4.0)]).paths
    names = ["shop.checkout", "shop.add_up", "sum", "shop.add_up", "shop.price", "list.pop"]
    assert named(first.nodes) == names
    assert [each.callee and each.callee.name for each in first.sample.sites] == ["list.pop", None, "sum", None]


def test_a_c_function_that_the_trace_knows_is_found_in_the_sampled_stack_of_another_call_too():
    call = traced([POPPING, PRICE, GENERATOR, SUMS, CHECKOUT], 0.0, 1.0, name="list.pop", inside=[SUM_OF_PRICES])
    elsewhere = path([PRICE, SUMS, CHECKOUT], 3.0)
    *_, sampled = explained([call], [elsewhere]).paths
    assert named(sampled.nodes) == ["shop.checkout", "shop.add_up", "sum", "shop.price"]


def test_a_function_that_only_passes_a_call_on_is_not_put_into_a_sampled_stack():
    code, offset, _ = SUM_OF_PRICES
    passes_on = [(code, offset, "contextvars.Context.run")]
    call = traced([POPPING, PRICE, SUMS, CHECKOUT], 0.0, 1.0, name="list.pop", inside=passes_on)
    *_, sampled = explained([call], [path([PRICE, SUMS, CHECKOUT], 3.0)]).paths
    assert named(sampled.nodes) == ["shop.checkout", "shop.add_up", "shop.price"]


def test_a_sampled_stack_that_was_not_calling_ends_at_its_innermost_function():
    call = traced([PRICE, GENERATOR, SUMS, CHECKOUT], 0.0, 4.0, inside=[SUM_OF_PRICES])
    seen = sample(4.0, stack=[POPPING, GENERATOR, SUMS, CHECKOUT])
    ran = moved(path([PRICE, GENERATOR, SUMS, CHECKOUT], 4.0, is_exact=False), seen)
    assert shares(explained([call], [ran])) == [("shop.price?", 4.0)]


def test_a_sampled_stack_that_shows_all_that_the_trace_knows_stays_as_it_is():
    seen = path([POPPING, GENERATOR, SUMMING, CHECKOUT], 4.0)
    call = traced([PRICE, GENERATOR, SUMMING, CHECKOUT], 0.0, 4.0, inside=[SUM_OF_PRICES])
    assert explained([call], [seen]).paths[0].sample is seen.sample


@pytest.mark.parametrize(
    ("sampled", "state"),
    [
        pytest.param(Cause.STARVED, Cause.STARVED, id="starved, if the sample says so"),
        pytest.param(Cause.SUSPENDED, Cause.SUSPENDED, id="suspended, if the sample says so"),
        pytest.param(Cause.COMPUTING, Cause.WAITING, id="what the traced call was, else"),
    ],
)
def test_the_state_of_a_sampled_stack_in_a_traced_call_is(sampled, state):
    mostly = [path([ADDING_UP, CHECKOUT], 3.0, Cause.WAITING), path([ADDING_UP, CHECKOUT], 1.0, sampled)]
    assert explained([FUNCTION], mostly).paths[1].state is state


# Samples taken as the tracer was called.


def between_calls(weight_s, *stack):
    """A sample of a thread that stood in the tracer, which was called from there."""
    return moved(path(stack, weight_s), sample(weight_s, stack=[TRACER, TRACER, *stack]))


def test_a_long_time_that_ended_between_calls_is_not_surely_that_call_s():
    explanation = explained([], [between_calls(2.0, POPPING, CHECKOUT), path([SLEEPING], 2.0)])
    assert shares(explanation) == [("list.pop?", 2.0), ("time.sleep", 2.0)]


def test_a_short_time_that_ended_between_calls_is_as_sure_as_any():
    explanation = explained([], [between_calls(1.5, POPPING, CHECKOUT), path([SLEEPING], 2.5)])
    assert shares(explanation) == [("list.pop", 1.5), ("time.sleep", 2.5)]


def test_the_tracers_own_frames_are_left_out():
    (first,) = explained([], [between_calls(4.0, POPPING, CHECKOUT)]).paths
    assert first.sample.sites == (POPPING, CHECKOUT)


def test_samples_taken_as_the_tracer_was_called_belong_to_the_call_they_were_taken_in():
    sampled = [between_calls(4.0, ADDING_UP, CHECKOUT)]
    assert shares(explained([FUNCTION], sampled)) == [("max?", 4.0)]


def test_a_sample_of_nothing_but_the_tracer_stands_for_nothing_else():
    (first,) = explained([], [between_calls(4.0)]).paths
    assert (first.nodes, first.sample.sites, first.weight_s) == ((), (), 4.0)


@pytest.mark.parametrize(
    "innermost",
    [
        pytest.param(site(shop.price, module="loopwatch.detection"), id="a module of a similar name"),
        pytest.param(PLUMBING, id="other plumbing"),
    ],
)
def test_only_loopwatchs_own_frames_are_left_out(innermost):
    seen = path([innermost, CHECKOUT], 4.0)
    assert explained([], [seen]).paths[0].sample is seen.sample
