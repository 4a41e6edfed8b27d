"""Automatic garbage collections are reported only where they alone made a step slow."""

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.verdict import contributions
from loopwatch.detection.verdict.contributions import AUTOMATIC_COLLECTION
from tests.detection import shop
from tests.detection.builders import Step, collected, own_ms, path, reported, site, stall

SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
POPS = site(shop.price, "item.parts.pop()", "list.pop")
COLLECTS = site(shop.price, "item.parts.pop()", "gc.collect")


def with_collection(collecting_s, *paths, started=0.0, **given):
    return reported(*paths, started=started, collecting=collected((started, started + collecting_s)), **given)


def test_a_collection_that_the_interpreter_began_is_reported_for_the_step():
    call = with_collection(0.96875, path([POPS]), of=stall(1.0, handle=Step(shop.add_up)))
    assert (call.method_name, call.leaf_name, call.cause) == (*[AUTOMATIC_COLLECTION] * 2, Cause.GARBAGE_COLLECTION)
    assert (call.function, call.called_name) == (f"{shop.__name__}.add_up", AUTOMATIC_COLLECTION)
    assert (call.duration_ms, call.step_ms, call.is_c_call, call.exact) == (968.75, 1000.0, True, True)
    assert [frame.function for frame in call.stack] == ["price"]


def test_a_collection_of_which_nothing_was_seen_has_no_stack():
    call = with_collection(0.96875)
    assert (call.method_name, call.stack) == (AUTOMATIC_COLLECTION, ())


@pytest.mark.parametrize(
    ("lasted_s", "collecting_s", "name"),
    [
        pytest.param(0.0625, 0.03125, "list.pop", id="not if it took half of the time"),
        pytest.param(0.0625, 0.046875, AUTOMATIC_COLLECTION, id="if it took more, and the step was quick without it"),
        pytest.param(1.0, 0.75, "list.pop", id="not if the call would have been a stall without it"),
    ],
)
def test_a_collection_is_reported(lasted_s, collecting_s, name):
    assert with_collection(collecting_s, path([POPS], lasted_s), of=stall(lasted_s)).method_name == name


@pytest.mark.parametrize(
    ("others_s", "name"),
    [
        pytest.param(0.03125, "list.pop", id="the call, if that took more than half of the threshold"),
        pytest.param(0.015625, AUTOMATIC_COLLECTION, id="the collection, if the call took less"),
    ],
)
def test_if_a_collection_prolongs_a_usual_call_the_report_names(others_s, name):
    usual = {("shop.price", "list.pop"): 1}
    call = with_collection(0.0625, path([POPS], 0.0625 + others_s), of=stall(0.0625 + others_s), usual=usual)
    assert call.method_name == name


def test_a_collection_is_measured_by_the_part_that_is_reported():
    assert with_collection(0.46875, path([POPS], 0.5), started=0.5).method_name == AUTOMATIC_COLLECTION


def test_the_call_is_the_one_that_took_most_of_the_time_without_collections():
    paths = path([POPS], 0.75, Cause.COMPUTING, collecting=0.875), path([SLEEPS], 0.25)
    call = with_collection(0.65625, *paths)
    assert (call.method_name, call.duration_ms, call.cause) == ("time.sleep", 250.0, Cause.WAITING)
    assert own_ms(call) == [(AUTOMATIC_COLLECTION, 656.25), ("time.sleep", 250.0), ("list.pop", 93.75)]


def test_a_call_that_was_interrupted_by_collections_most_of_the_time_is_only_likely():
    assert not with_collection(0.75, path([POPS], collecting=0.75)).exact
    assert with_collection(0.25, path([POPS], collecting=0.25)).exact


def test_a_collection_that_is_long_enough_for_a_stall_stands_beside_what_else_the_time_went_to():
    call = with_collection(0.25, path([SLEEPS], 0.75), path([POPS], 0.25, collecting=1.0))
    assert own_ms(call) == [("time.sleep", 750.0), (AUTOMATIC_COLLECTION, 250.0)]
    assert (call.method_name, call.duration_ms) == ("time.sleep", 750.0)


def test_a_collection_that_is_too_short_for_a_stall_is_not_mentioned():
    assert own_ms(with_collection(0.03125, path([SLEEPS]))) == [("time.sleep", 1000.0)]


def test_no_more_contributions_are_kept_for_a_collection(monkeypatch):
    monkeypatch.setattr(contributions, "MAX_CONTRIBUTIONS", 2)
    call = with_collection(0.25, path([SLEEPS], 0.75), path([POPS], 0.25))
    assert [name for name, _ in own_ms(call)] == ["time.sleep", AUTOMATIC_COLLECTION]


def test_a_collection_that_a_call_asked_for_is_not_the_interpreters():
    call = with_collection(0.25, path([SLEEPS], 0.75), path([COLLECTS], 0.25))
    assert own_ms(call) == [("time.sleep", 750.0), ("gc.collect", 250.0)]


def test_a_collection_that_the_user_asked_for_is_the_call_that_did():
    call = reported(path([COLLECTS]), collecting=collected((0.0, 0.75)))
    assert (call.method_name, call.source, call.cause) == ("gc.collect", "item.parts.pop()", Cause.GARBAGE_COLLECTION)
