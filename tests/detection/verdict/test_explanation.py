"""A stall's time is shared among what was traced and, where that does not tell, what was sampled."""

import asyncio
from dataclasses import replace

import pytest
from django.db.models import Manager, QuerySet

from loopwatch.detection.calls import Cause
from loopwatch.detection.timing.trace import Trace
from loopwatch.detection.tracing import step_trace
from loopwatch.detection.verdict.explanation import explain_by_trace
from tests.detection import shop
from tests.detection.builders import ENTRY, collected, inner_code, named, path, reading, sample, site, trace, traced

CHECKOUT = site(shop.checkout, "add_up(cart)")
SLEEPS = site(shop.checkout, "time.sleep(total)")
SLEEPING = site(shop.checkout, "time.sleep(total)", "time.sleep")
DUMPS = site(shop.checkout, "json.dumps(total)")
ADD_UP = site(shop.add_up, "max(cart, key=lambda item: item.weight)")
ADDING_UP = site(shop.add_up, "max(cart, key=lambda item: item.weight)", "max")
SUMS = site(shop.add_up, "sum(price(item) for item in cart)")
SUMMING = site(shop.add_up, "sum(price(item) for item in cart)", "sum")
GENERATOR = site(inner_code(shop.add_up, "<genexpr>"), "price(item)")
PRICE = site(shop.price, "item.parts")
POPS = site(shop.price, "item.parts.pop()")
POPPING = site(shop.price, "item.parts.pop()", "list.pop")
PLUMBING = site(asyncio.sleep)
TRACER = site(step_trace.StepTrace.call_ended)
SUM_OF_PRICES = (SUMS.code, SUMS.offset, "sum")


def shares(explanation):
    """Innermost name, or a dash, and seconds of each path that stands for any time."""
    return [((named(each.nodes) or ["-"])[-1], each.weight_s) for each in explanation.paths if each.weight_s]


def moved(seen, to_sample):
    """The same path, seen by another sample."""
    return replace(seen, sample=to_sample)


def explained(calls, sampled=(), ended=4.0, started=0.0, readings=(), collections=()):
    return explain_by_trace(trace(*calls), sampled, readings, started, ended, collections)


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


# What the thread was doing.

WINDOWS = [
    pytest.param([(4.0, Cause.WAITING)], Cause.WAITING, id="as the sample around it says"),
    pytest.param([(2.0, Cause.WAITING), (2.0, Cause.COMPUTING)], Cause.WAITING, id="as the one it fell into says"),
    pytest.param(
        [(0.5, Cause.WAITING), (1.0, Cause.STARVED), (2.5, Cause.WAITING)], Cause.STARVED, id="as most of them say"
    ),
    pytest.param(
        [(2.0, Cause.STARVED), (2.0, Cause.WAITING), (4.0, Cause.STARVED)], Cause.STARVED, id="as none around it says"
    ),
    pytest.param([(0.75, Cause.STARVED)], Cause.COMPUTING, id="as the CPU clocks say, if it hardly was sampled"),
    pytest.param([(1.0, Cause.WAITING)], Cause.WAITING, id="as the sample says that covers half of it"),
]


@pytest.mark.parametrize(("samples", "state"), WINDOWS)
def test_the_state_of_a_traced_call_is(samples, state):
    call = traced([SLEEPS], 0.25, 1.75, name="time.sleep")
    sampled = [path([SLEEPING], weight_s, each) for weight_s, each in samples]
    assert explained([call], sampled, ended=1.75).paths[0].state is state


def test_samples_are_those_of_the_part():
    call = traced([SLEEPS], 3.0, 4.0, name="time.sleep")
    sampled = [path([SLEEPING], 1.0, Cause.WAITING), path([SLEEPING], 1.0, Cause.STARVED)]
    assert explained([call], sampled, started=2.0).paths[0].state is Cause.STARVED


def read(at, thread=0.0, others=0.0):
    """The CPU clocks so long after the traced call began."""
    return reading(4.0 + at, thread, others)


def test_a_sample_of_another_time_says_nothing_of_a_traced_call():
    call = traced([SLEEPS], 3.0, 4.0, name="time.sleep")
    assert explained([call], [path([CHECKOUT], 1.0), path([CHECKOUT], 1.0)]).paths[0].state is Cause.COMPUTING


CLOCKS = [
    pytest.param([], [], Cause.COMPUTING, id="computing, if none were read"),
    pytest.param([read(0.0)], [], Cause.COMPUTING, id="computing, if none were read after it"),
    pytest.param([], [read(2.0)], Cause.COMPUTING, id="computing, if none were read before it"),
    pytest.param([read(0.0, None)], [read(2.0)], Cause.COMPUTING, id="computing, if they did not tell before"),
    pytest.param([read(0.0)], [read(2.0, None)], Cause.COMPUTING, id="computing, if they did not tell after"),
    pytest.param([read(0.0)], [read(2.0, 2.0)], Cause.COMPUTING, id="computing, if it used all of it"),
    pytest.param([read(0.0)], [read(2.0, 0.0)], Cause.WAITING, id="waiting, if it used none of it"),
    pytest.param([read(0.0)], [read(2.0, 0.5)], Cause.COMPUTING, id="computing, if it used a quarter of it"),
    pytest.param([read(0.0)], [read(2.0, 0.375)], Cause.WAITING, id="waiting, if it used less than a fifth"),
    pytest.param([read(0.0)], [read(2.0, 0.0, 1.0)], Cause.STARVED, id="starved, if others used half of it"),
    pytest.param([read(0.0)], [read(2.0, 0.25, 1.0)], Cause.STARVED, id="starved, if it ran for less than a fifth"),
    pytest.param([read(0.0)], [read(2.0, 0.0, 0.75)], Cause.WAITING, id="waiting, if others used less"),
    pytest.param([read(0.0)], [read(2.0, 0.5, 1.0)], Cause.COMPUTING, id="computing, if others did so as well"),
    pytest.param([read(-1.0)], [read(3.0, 2.5)], Cause.COMPUTING, id="computing, if it used some of it at least"),
    pytest.param([read(-1.0)], [read(3.0, 1.0)], Cause.COMPUTING, id="computing, if it may have used half of it"),
    pytest.param(
        [read(-1.0)], [read(3.0, 0.625)], Cause.WAITING, id="waiting, if it may have used a third of it at most"
    ),
    pytest.param(
        [read(-1.0)], [read(3.0, 2.0, 1.0)], Cause.STARVED, id="starved, if it may have used all of it elsewhere"
    ),
    pytest.param(
        [read(-1.0), read(0.0, 1.0)],
        [read(2.0, 1.0), read(3.0, 2.0)],
        Cause.WAITING,
        id="as those nearest to it say",
    ),
]


@pytest.mark.parametrize(("before", "after", "state"), CLOCKS)
def test_by_the_cpu_clocks_a_traced_call_is(before, after, state):
    call = traced([SLEEPS], 4.0, 6.0, name="time.sleep")
    assert explained([call], started=4.0, ended=6.0, readings=[*after, *before]).paths[0].state is state


def test_the_cpu_clocks_are_those_of_the_trace_too():
    call = traced([SLEEPS], 0.0, 2.0, name="time.sleep")
    explanation = explain_by_trace(trace(call, readings=[reading(0.0)]), [], [reading(2.0)], 0.0, 2.0, ())
    assert explanation.paths[0].state is Cause.WAITING


# Whose the samples are.

WHOLE = traced([SLEEPS], 0.0, 4.0, name="time.sleep")
FUNCTION = traced([ADD_UP, CHECKOUT], 0.0, 4.0)
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


# What the trace knows of a sampled stack.


def test_a_c_function_that_the_trace_knows_is_put_into_the_sampled_stack():
    call = traced([PRICE, GENERATOR, SUMS, CHECKOUT], 0.0, 4.0, inside=[SUM_OF_PRICES])
    (first, _) = explained([call], [path([POPPING, GENERATOR, SUMS, CHECKOUT], 4.0)]).paths
    names = ["shop.checkout", "shop.add_up", "sum", "shop.add_up", "shop.price", "list.pop"]
    assert named(first.nodes) == names
    assert [each.callee and each.callee.name for each in first.sample.sites] == ["list.pop", None, "sum", None]


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
