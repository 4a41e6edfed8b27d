"""Why the loop could not go on: what a call did, or what the machine did."""

import importlib._bootstrap
import sys
from dataclasses import replace

import pytest

from loopwatch.detection.calls import SAMPLING, TRACING, Cause
from loopwatch.detection.machine.cpu_clocks import Turns
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.machine.throttling import NEVER_THROTTLED, Throttled
from loopwatch.detection.sampling.gc_pauses import Collecting
from loopwatch.detection.verdict.blocking_call import explain_stall, unexamined_call
from tests.detection import shop
from tests.detection.builders import (
    NO_COLLECTION,
    STARTED_AT,
    Delayed,
    Step,
    Watch,
    collected,
    named,
    observation,
    path,
    reading,
    reported,
    sample,
    site,
    stall,
    trace,
    traced,
)

CHECKOUT = site(shop.checkout, "add_up(cart)")
SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
COMPRESSES = site(shop.checkout, "time.sleep(total)", "zlib.compress")
POPS = site(shop.price, "item.parts.pop()", "list.pop")
COLLECTS = site(shop.price, "item.parts.pop()", "gc.collect")
IMPORTS = [site(importlib._bootstrap._find_and_load), site(shop.load_models, "import sqlite3")]

CALLS = [
    pytest.param([path([SLEEPS])], Cause.WAITING, id="waiting, if the thread waited"),
    pytest.param([path([POPS], 1.0, Cause.COMPUTING)], Cause.COMPUTING, id="computing, if it computed"),
    pytest.param([path([SLEEPS], 1.0, Cause.COMPUTING)], Cause.WAITING, id="waiting, if the call can do nothing else"),
    pytest.param(
        [path([COMPRESSES], 0.75), path([COMPRESSES], 0.25, Cause.COMPUTING)],
        Cause.WAITING,
        id="waiting, if it waited for most of the time",
    ),
    pytest.param(
        [path([COMPRESSES], 0.5), path([COMPRESSES], 0.5, Cause.COMPUTING)],
        Cause.COMPUTING,
        id="computing, if it waited for half of the time",
    ),
    pytest.param(
        [path([SLEEPS], 0.5), path([CHECKOUT], 0.5, Cause.COMPUTING)],
        Cause.WAITING,
        id="waiting, if it waited in the culprit",
    ),
    pytest.param([path([SLEEPS, *IMPORTS])], Cause.IMPORTING, id="importing, even if the imported module slept"),
    pytest.param([path([COLLECTS])], Cause.GARBAGE_COLLECTION, id="a collection, if the user asked for one"),
    pytest.param([path([])], Cause.WAITING, id="waiting, if it did so in plumbing"),
    pytest.param([path([], 1.0, Cause.COMPUTING)], Cause.COMPUTING, id="computing, if it did so in plumbing"),
]


@pytest.mark.parametrize(("paths", "cause"), CALLS)
def test_the_cause_of_a_call_is(paths, cause):
    assert reported(*paths).cause is cause


MACHINE = [
    pytest.param([(0.75, Cause.STARVED), (0.25, Cause.WAITING)], Cause.STARVED, id="starved for most of the time"),
    pytest.param(
        [(0.75, Cause.SUSPENDED), (0.25, Cause.WAITING)], Cause.SUSPENDED, id="suspended for most of the time"
    ),
    pytest.param([(0.5, Cause.STARVED), (0.5, Cause.WAITING)], Cause.COMPUTING, id="not if it was half of it"),
    pytest.param(
        [(0.25, Cause.STARVED), (0.625, Cause.SUSPENDED), (0.125, Cause.WAITING)],
        Cause.SUSPENDED,
        id="suspended for most of the time, if it was starved as well",
    ),
    pytest.param(
        [(0.625, Cause.STARVED), (0.25, Cause.SUSPENDED), (0.125, Cause.WAITING)],
        Cause.STARVED,
        id="starved for most of the time, if it was suspended as well",
    ),
    pytest.param(
        [(0.03125, Cause.STARVED), (0.046875, Cause.WAITING)],
        Cause.STARVED,
        id="starved for so long that it would have been no stall otherwise",
    ),
    pytest.param(
        [(0.03125, Cause.STARVED), (0.0625, Cause.WAITING)],
        Cause.WAITING,
        id="not if it would have been a stall all the same",
    ),
    pytest.param([(0.03125, Cause.WAITING)], Cause.WAITING, id="not if nothing held it up"),
]


@pytest.mark.parametrize("stack", [pytest.param([COMPRESSES], id="a call"), pytest.param([], id="plumbing")])
@pytest.mark.parametrize(("states", "cause"), MACHINE)
def test_the_machine_is_the_cause_if_the_step_was(states, cause, stack):
    assert reported(*(path(stack, weight_s, state) for weight_s, state in states)).cause is cause


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        pytest.param(Cause.STARVED, Cause.GARBAGE_COLLECTION, id="the collection, which keeps the GIL itself"),
        pytest.param(Cause.SUSPENDED, Cause.SUSPENDED, id="the suspension, which prolongs a collection too"),
    ],
)
def test_of_an_automatic_collection_and_a_hold_up_by_the_machine_the_cause_is(state, cause):
    assert reported(path([POPS], 1.0, state), collecting=collected((0.0, 0.75))).cause is cause


UNSEEN = [
    pytest.param(reading(9.0, 4.0, 5.0, 7.0), None, 0.05, Cause.COMPUTING, id="computing, if its thread ran"),
    pytest.param(reading(9.0, 3.125, 5.0, 7.0), None, 0.05, Cause.SUSPENDED, id="suspended, if no thread ran"),
    pytest.param(reading(9.0, 3.125, 5.5, 7.0), None, 0.05, Cause.STARVED, id="starved, if others ran"),
    pytest.param(
        reading(9.0, 3.3125, 5.25, 7.0),
        Delayed(0.0),
        0.05,
        Cause.STARVED,
        id="starved, if others ran and CPUs were free",
    ),
    pytest.param(
        reading(9.0, 3.25, 5.0, 7.0),
        Delayed(0.75),
        0.5,
        Cause.SUSPENDED,
        id="suspended, if it was off the CPUs for long",
    ),
    pytest.param(
        reading(9.0, 3.25, 5.0, 7.0), Delayed(0.5), 0.5, Cause.COMPUTING, id="computing, if that leaves a stall"
    ),
    pytest.param(reading(9.0, 3.25, 5.0, 7.0), None, 0.875, Cause.COMPUTING, id="computing, if that is not known"),
    pytest.param(reading(9.0, 3.0, 5.0, 7.5), None, 0.05, Cause.WAITING, id="waiting, if the watchdog was at work"),
    pytest.param(reading(9.0, 3.0, 5.25, 7.5), None, 0.05, Cause.WAITING, id="waiting, even if others ran meanwhile"),
    pytest.param(reading(9.0, 3.5, 5.0, 7.5), None, 0.05, Cause.COMPUTING, id="computing, if the watchdog ran, too"),
]


@pytest.mark.parametrize(("cpu", "delays", "threshold_s", "cause"), UNSEEN)
def test_a_step_of_which_nothing_was_seen_was(cpu, delays, threshold_s, cause):
    step = stall(9.0, started=8.0, cpu=cpu, handle=Step(shop.price), subscribers=[Watch(threshold_s)])
    seen = observation(started=8.0, before=reading(8.0, 3.0, 5.0, 7.0), delays=delays)
    assert reported(of=step, seen=seen, started=8.0).cause is cause


COLLECTED_ELSEWHERE = [
    pytest.param(3.0, 0.96875, Cause.STARVED, id="starved, if too little is left for a stall"),
    pytest.param(3.0, 0.9375, Cause.WAITING, id="waiting, if that leaves a stall"),
    pytest.param(3.5, 0.96875, Cause.COMPUTING, id="computing, if its own thread ran for most of the time"),
]


@pytest.mark.parametrize(("thread_s", "others_s", "cause"), COLLECTED_ELSEWHERE)
def test_a_step_of_which_nothing_was_seen_while_another_thread_collected_garbage_was(thread_s, others_s, cause):
    step = stall(9.0, started=8.0, cpu=reading(9.0, thread_s, 5.0, 7.5), handle=Step(shop.price))
    seen = observation(started=8.0, before=reading(8.0, 3.0, 5.0, 7.0))
    assert reported(of=step, seen=seen, started=8.0, collecting=Collecting(others_s=others_s)).cause is cause


SEEN_BEFORE = [
    pytest.param([], Cause.WAITING, 0.0625, 0.875, Cause.STARVED, id="starved in plumbing, if only others ran"),
    pytest.param([], Cause.WAITING, 0.0625, 0.0, Cause.WAITING, id="waiting in plumbing, if no thread ran"),
    pytest.param([POPS], Cause.COMPUTING, 0.0625, 0.875, Cause.STARVED, id="starved after a call, if only others ran"),
    pytest.param([POPS], Cause.COMPUTING, 0.5, 0.875, Cause.COMPUTING, id="computing, if it ran, too"),
    pytest.param([POPS], Cause.COMPUTING, 0.0625, 0.0, Cause.COMPUTING, id="computing, if others did not run"),
    pytest.param([SLEEPS], Cause.WAITING, 0.0625, 0.875, Cause.WAITING, id="waiting in a call, if others ran"),
]


@pytest.mark.parametrize(("stack", "state", "own_s", "others_s", "cause"), SEEN_BEFORE)
def test_a_step_that_was_seen_only_at_its_beginning_was(stack, state, own_s, others_s, cause):
    step = stall(1.0, cpu=reading(1.0, own_s, others=others_s))
    assert reported(path(stack, 1.0, state), of=step).cause is cause


def test_a_step_of_which_nothing_was_seen_was_not_starved_where_there_is_no_gil(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert reported(of=stall(1.0, cpu=reading(1.0, 0.125, 0.5), handle=Step(shop.price))).cause is Cause.COMPUTING


@pytest.mark.parametrize(
    ("thread_s", "cause"),
    [
        pytest.param(3.5, Cause.COMPUTING, id="computing, if its thread ran for most of the time"),
        pytest.param(3.25, Cause.WAITING, id="waiting, if it did not, whatever else ran"),
        pytest.param(None, Cause.COMPUTING, id="computing, if that is not known"),
    ],
)
def test_a_stall_that_was_not_examined_was(thread_s, cause):
    step = stall(9.0, started=8.5, cpu=reading(9.0, thread_s, 6.0, 7.0), handle=Step(shop.price))
    seen = observation(started=8.5, before=reading(8.0, 3.0, 5.0, 7.0), suspended_s=0.5)
    call = unexamined_call(step, seen, 8.5, started_at=STARTED_AT, engine=SAMPLING)
    assert (call.cause, call.exact, call.step_ms) == (cause, False, 500.0)


def test_the_cause_of_a_part_of_a_step_is_judged_by_how_long_that_part_was():
    step = stall(9.0, cpu=reading(9.0, 0.25, 0.5), handle=Step(shop.price))
    assert reported(of=step, seen=observation(), started=8.0).cause is Cause.COMPUTING


ITS_OWN = [
    pytest.param(observation(suspended_s=0.9375), Cause.WAITING, id="a call, if that leaves a stall"),
    pytest.param(observation(suspended_s=0.96875), Cause.SUSPENDED, id="a suspension, if that leaves none"),
    pytest.param(
        observation(sample(1.0, delayed_s=0.9375)), Cause.WAITING, id="a call, if time without a CPU leaves a stall"
    ),
    pytest.param(
        observation(sample(1.0, delayed_s=0.96875)),
        Cause.SUSPENDED,
        id="a suspension, if time without a CPU leaves none",
    ),
    pytest.param(
        observation(sample(1.0, delayed_s=0.75), suspended_s=0.75),
        Cause.WAITING,
        id="a call, if both may be the same time",
    ),
]


ONLY_THE_WATCHDOG_WAITED = [
    pytest.param(0.0, Turns(0.0, 0), Cause.WAITING, id="a call, if the loop's thread was not delayed"),
    pytest.param(0.96875, Turns(0.0, 0), Cause.SUSPENDED, id="a suspension, if the wait for a CPU does not explain it"),
    pytest.param(0.0, Turns(0.96875, 9), Cause.SUSPENDED, id="a suspension, if the loop's thread waited, too"),
    pytest.param(0.0, None, Cause.SUSPENDED, id="a suspension, if it is unknown how long the loop's thread waited"),
]


@pytest.mark.parametrize(("unexplained_s", "turns", "cause"), ONLY_THE_WATCHDOG_WAITED)
def test_a_step_during_which_the_watchdog_waited_for_a_cpu_is(unexplained_s, turns, cause):
    seen = replace(observation(suspended_s=0.96875), unexplained_s=unexplained_s, unseen_turns=turns)
    assert reported(path([SLEEPS]), seen=seen).cause is cause


@pytest.mark.parametrize(("seen", "cause"), ITS_OWN)
def test_a_step_for_part_of_which_the_process_did_not_run_is(seen, cause):
    assert reported(path([SLEEPS]), seen=seen).cause is cause


def test_a_part_of_a_step_is_suspended_if_that_leaves_less_than_the_threshold():
    seen = observation(suspended_s=0.21875)
    assert reported(path([SLEEPS], 0.25), seen=seen, started=0.75).cause is Cause.SUSPENDED


def test_a_starved_step_stays_starved_even_if_the_process_did_not_run():
    assert reported(path([SLEEPS], 1.0, Cause.STARVED), seen=observation(suspended_s=1.0)).cause is Cause.STARVED


def test_the_lowest_threshold_of_those_who_watch_is_what_makes_a_stall():
    of = stall(1.0, subscribers=[Watch(0.5), Watch(0.125), Watch(0.25)])
    assert reported(path([SLEEPS]), of=of, seen=observation(suspended_s=0.875)).cause is Cause.WAITING
    assert reported(path([SLEEPS]), of=of, seen=observation(suspended_s=0.9375)).cause is Cause.SUSPENDED


THROTTLED = [
    pytest.param([path([SLEEPS])], {"suspended_s": 0.96875}, Cause.THROTTLED, id="throttled, if it was suspended"),
    pytest.param([], {"before": reading(0.0, 0.0, 0.0)}, Cause.THROTTLED, id="throttled, if nothing was seen"),
    pytest.param(
        [path([SLEEPS], 1.0, Cause.STARVED)],
        {"suspended_s": 0.75},
        Cause.THROTTLED,
        id="throttled, if the process did not run for most of a starved step",
    ),
    pytest.param(
        [path([SLEEPS], 1.0, Cause.STARVED)],
        {"suspended_s": 0.25},
        Cause.STARVED,
        id="starved, if the process ran for most of it",
    ),
    pytest.param([path([SLEEPS])], {}, Cause.WAITING, id="a call, if that leaves a stall"),
]


@pytest.mark.parametrize(("paths", "seen", "cause"), THROTTLED)
def test_a_step_during_which_the_kernel_throttled_the_process_is(paths, seen, cause):
    call = reported(*paths, seen=observation(throttled=Throttled(10, 0.75), **seen))
    assert (call.cause, call.throttled_periods) == (cause, 10)


def test_a_starved_step_of_which_nothing_was_seen_is_throttled_if_its_thread_waited_for_a_cpu():
    seen = observation(delays=Delayed(0.96875), throttled=Throttled(10, 1.0))
    step = stall(1.0, cpu=reading(1.0, 0.0, 0.5), handle=Step(shop.price))
    assert reported(of=step, seen=seen).cause is Cause.THROTTLED
    assert reported(of=step, seen=replace(seen, throttled=NEVER_THROTTLED)).cause is Cause.STARVED


def test_throttling_that_was_short_does_not_explain_a_long_suspension():
    seen = observation(suspended_s=0.96875, throttled=Throttled(1, 0.25))
    assert reported(path([SLEEPS]), seen=seen).cause is Cause.SUSPENDED


@pytest.mark.parametrize(
    ("cause", "periods", "words"),
    [
        (Cause.THROTTLED, 1, "throttled in 1 period of the CPU limit"),
        (Cause.THROTTLED, 2, "throttled in 2 periods of the CPU limit"),
        (Cause.STARVED, 2, "starved"),
    ],
)
def test_the_cause_in_words_names_the_periods(cause, periods, words):
    call = replace(reported(path([SLEEPS])), cause=cause, throttled_periods=periods)
    assert call.cause_in_words == words


# What the time went to, by each engine.


def explained(step, seen, *, engine, started=0.0):
    return [
        (named(each.nodes), each.weight_s, each.state)
        for each in explain_stall(step, seen, started, engine, NO_COLLECTION).paths
    ]


SLEPT = observation(sample(1.0, stack=[SLEEPS]), sample(2.0, reading(2.0, 1.0), [POPS]))


@pytest.mark.parametrize("engine", [SAMPLING, TRACING])
def test_the_time_is_shared_among_the_samples(engine):
    assert explained(stall(2.5), SLEPT, engine=engine) == [
        (["shop.checkout", "time.sleep"], 1.5, Cause.WAITING),
        (["shop.price", "list.pop"], 1.0, Cause.COMPUTING),
    ]


def test_the_time_of_a_part_of_a_step_is_shared_among_the_samples_in_it():
    assert explained(stall(2.5), SLEPT, engine=SAMPLING, started=1.25) == [
        (["shop.price", "list.pop"], 1.25, Cause.COMPUTING)
    ]


def test_the_end_of_a_step_that_no_sample_shows_is_explained_where_the_machine_held_it_up():
    seen = observation(sample(0.25, stack=[SLEEPS]), sample(0.5, stack=[SLEEPS]))
    unseen = replace(seen, unseen_since=0.5, unseen_turns=Turns(delayed_s=0.0, taken=90))
    states = [state for _, _, state in explained(stall(1.0, cpu=reading(1.0, others=0.5)), unseen, engine=SAMPLING)]
    assert states == [Cause.WAITING, Cause.WAITING, Cause.STARVED]


@pytest.mark.parametrize(("turns", "cause"), [(0, Cause.WAITING), (100, Cause.STARVED)])
def test_whether_a_thread_slept_where_one_sample_shows_it_is_known_by_its_turns_until_the_end(turns, cause):
    seen = observation(sample(0.25, reading(0.25, 0.0, others=0.25), [SLEEPS], GilWait.SHARED, requested_at=0.125))
    seen.unseen_since, seen.unseen_turns = 0.5, Turns(0.0, turns)
    paths = explain_stall(stall(1.0, cpu=reading(1.0, 0.0, others=1.0)), seen, 0.0, SAMPLING, NO_COLLECTION).paths
    assert {each.state for each in paths} == {cause}


def test_the_end_of_a_step_of_which_nothing_was_seen_is_not_explained():
    assert explained(stall(1.0), replace(observation(), unseen_since=0.5), engine=SAMPLING) == []


def test_only_the_tracing_engine_asks_the_trace():
    step = stall(2.5, trace=trace(traced([SLEEPS], 0.0, 2.5, name="time.sleep")))
    assert [names[-1] for names, weight_s, _ in explained(step, SLEPT, engine=TRACING) if weight_s] == ["time.sleep"]
    assert [names[-1] for names, _, _ in explained(step, SLEPT, engine=SAMPLING)] == ["time.sleep", "list.pop"]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param((0.0, 0.25), id="after the step began, and before the first sample"),
        pytest.param((1.0, 2.0), id="between two samples"),
    ],
)
def test_a_traced_call_that_no_sample_shows_is_explained_by_the_cpu_clocks_read(call):
    seen = observation(sample(0.25), sample(1.0), sample(2.0))
    step = stall(call[1], trace=trace(traced([SLEEPS], *call, name="time.sleep")))
    (_, _, state), *_ = explained(step, seen, engine=TRACING, started=call[0])
    assert state is Cause.WAITING
