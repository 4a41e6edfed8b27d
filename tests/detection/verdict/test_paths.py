"""Samples become paths: how surely they name a function, and how much of the stall they are."""

import asyncio
from dataclasses import replace

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.sampling import gc_pauses
from loopwatch.detection.verdict import attribution
from loopwatch.detection.verdict.attribution import paths_of
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
COLLECTS = site(gc_pauses.GcPauses._note)


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


POPS_AGAIN = replace(POPS, mark=2)
STAYS = [
    pytest.param([[POPS]] * 4, ["shop.price?", "list.pop?"], id="likely, if four samples show it and no other"),
    pytest.param([[POPS]] * 3, ["shop.price?"], id="not named, if fewer do"),
    pytest.param([[POPS]], ["shop.price?"], id="not named, if one does"),
    pytest.param([[PRICE]] * 4, ["shop.price"], id="not made, if the samples show none"),
    pytest.param([[PRICE], *[[POPS]] * 4], ["shop.price?", "list.pop?"], id="likely, after something else"),
    pytest.param([*[[POPS]] * 4, [PRICE], [POPS]], ["shop.price"], id="made again and again, if it is returned to"),
    pytest.param([*[[POPS]] * 4, *[[POPS_AGAIN]] * 4], ["shop.price"], id="made again, if it is another frame's"),
    pytest.param([[PRICE], [SLEEPS]] * 2 + [[POPS]] * 4, ["shop.price"], id="quick, if only half of them show it"),
]


@pytest.mark.parametrize(("stacks", "names"), STAYS)
def test_a_call_beside_threads_that_hand_the_gil_over_is(stacks, names):
    samples = [sample(float(at), stack=stack, gil=GilWait.PASSED_ON) for at, stack in enumerate(stacks, start=1)]
    paths = paths_of(samples, [Cause.COMPUTING] * len(samples), 0.0, len(samples) + 1.0, NO_COLLECTION)
    assert named(paths[-1].nodes) == names


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


def test_a_function_that_runs_a_comprehension_is_certain_though_what_it_calls_there_has_no_name():
    """Before Python 3.12 a comprehension is a function of its own."""
    comprehension = site(inner_code(shop.add_up, "<genexpr>").replace(co_name="<listcomp>"), module="shop")
    caller = site(shop.add_up, callee=called("", is_resolved=False))
    assert names_in([comprehension, caller], GilWait.INTERVAL)[0] == "shop.add_up"
    assert names_in([GENERATOR, caller], GilWait.INTERVAL)[0] == "shop.add_up?"


def test_a_collection_is_set_apart_from_the_time_in_which_it_happened():
    samples = [sample(1.0, stack=[POPS]), sample(3.0, stack=[SLEEPS])]
    paths = paths_of(samples, [Cause.COMPUTING] * 2, 0.0, 4.0, collected((1.5, 3.0)))
    assert [(path.weight_s, path.net_s) for path in paths] == [(2.0, 1.5), (2.0, 1.0)]


def test_a_collection_that_the_code_asked_for_is_not_set_apart():
    asks = site(shop.price, "item.parts.pop()", "gc.collect")
    (path,) = paths_of([sample(1.0, stack=[asks])], [Cause.COMPUTING], 0.0, 2.0, collected((0.0, 2.0)))
    assert path.net_s == 2.0
