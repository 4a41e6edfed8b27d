"""The thread that kept the GIL is named as the loop's own call would be."""

import json
import queue
import threading
from dataclasses import replace

import pytest

from loopwatch.detection.calls import Cause, Request
from loopwatch.detection.sampling.gc_pauses import Pause
from loopwatch.detection.sampling.gil_holds import Hold
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight
from loopwatch.detection.verdict.contributions import AUTOMATIC_COLLECTION
from loopwatch.detection.verdict.holders import with_holder
from loopwatch.recorder.writer_thread import WriterThread
from tests.detection import shop
from tests.detection.builders import reported, site

THREAD = 7
BOOTSTRAP = site(threading.Thread.run)
SUM = "max(cart, key=lambda item: item.weight) + prices"
DUMPS = site(shop.checkout, "json.dumps(total)", "json.dumps")
ACQUIRES = site(threading.Condition.wait, "waiter.acquire(True, timeout)", "threading.Lock.acquire")
SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")


def holder(*sites, is_certain=True, request=None):
    hold = Hold(0.0, 1.0, THREAD, tuple(sites), is_certain, request) if sites else None
    return with_holder(replace(reported(), cause=Cause.STARVED), hold, None).held_by


def collector(*sites, request=None, hold=None):
    """The holder where a thread collected at these places."""
    collection = Pause(THREAD, 0.0, 1.0, tuple(sites), request)
    return with_holder(replace(reported(), cause=Cause.STARVED), hold, collection).held_by


def test_the_call_and_the_in_app_function_of_the_thread_are_named():
    found = holder(DUMPS, BOOTSTRAP)
    assert (found.method_name, found.function, found.exact) == ("json.dumps", "shop.checkout", True)


def test_an_operator_that_the_lookout_has_seen_is_exact_with_its_columns():
    added = site(shop.add_up, SUM)
    hold = Hold(0.0, 1.0, THREAD, (added, BOOTSTRAP), is_certain=True, is_seen=True)
    found = with_holder(replace(reported(), cause=Cause.STARVED), hold, None).held_by
    assert (found.function, found.source, found.exact) == ("shop.add_up", SUM, True)


def test_the_thread_has_another_finding_than_the_same_call_on_the_loop():
    found = holder(DUMPS)
    assert found.cause is Cause.GIL_HELD
    assert found.fingerprint != replace(found, cause=Cause.COMPUTING).fingerprint


def test_the_stack_of_the_thread_is_kept_as_its_only_sample():
    found = holder(DUMPS)
    assert [sample.frames for sample in found.samples] == [found.stack]


def test_the_request_that_the_thread_worked_for_is_the_holders():
    request = Request("http", "GET", "export/")
    assert holder(DUMPS, request=RequestInFlight(InFlight(), lambda: request)).request == request


def test_the_request_that_the_thread_worked_for_was_not_delayed():
    own, other = Request("http", "GET", "export/"), Request("http", "GET", "books/")
    paused = replace(reported(), cause=Cause.STARVED, waiting=3, delayed=(other, own, own))
    hold = Hold(0.0, 1.0, THREAD, (DUMPS,), is_certain=True, request=RequestInFlight(InFlight(), lambda: own))
    found = with_holder(paused, hold, None).held_by
    assert (found.waiting, found.delayed) == (2, (other, own))


def test_a_request_that_cannot_be_described_leaves_the_holder_without_one():
    def ask():
        raise RuntimeError

    assert holder(DUMPS, request=RequestInFlight(InFlight(), ask)).request is None


def test_the_whole_pause_counts_for_the_holder():
    assert holder(DUMPS).duration_ms == 1000.0


def test_a_holder_that_is_only_likely_has_a_call_that_is_only_likely():
    found = holder(DUMPS, is_certain=False)
    assert (found.method_name, found.exact) == ("json.dumps", False)


def test_how_the_thread_was_started_is_left_out():
    assert holder(site(json.dumps), BOOTSTRAP).function == "json.dumps"


@pytest.mark.parametrize("is_certain", [True, False])
def test_a_thread_that_waits_by_now_has_made_another_call_before(is_certain):
    found = holder(SLEEPS, is_certain=is_certain)
    assert (found.method_name, found.exact) == ("shop.checkout", False)


def test_a_thread_that_waits_in_a_queue_by_now_is_named_after_what_asks_the_queue():
    found = holder(ACQUIRES, site(queue.Queue.get), site(shop.checkout), BOOTSTRAP, is_certain=False)
    assert (found.method_name, found.function, found.exact) == ("shop.checkout", "shop.checkout", False)


def test_a_thread_of_loopwatch_is_not_named():
    assert holder(DUMPS, site(WriterThread._run), BOOTSTRAP) is None


def test_a_collection_in_a_thread_of_loopwatch_is_named_without_the_stack_of_that_thread():
    found = collector(DUMPS, site(WriterThread._run), BOOTSTRAP)
    assert (found.function, found.stack) == (AUTOMATIC_COLLECTION, ())


def test_a_collection_is_certain_and_named_after_the_outermost_function():
    found = collector(DUMPS)
    assert (found.method_name, found.function) == (AUTOMATIC_COLLECTION, "shop.checkout")
    assert (found.cause, found.exact) == (Cause.GIL_HELD, True)


def test_a_collection_that_the_thread_asked_for_is_its_call():
    asked = site(shop.checkout, "json.dumps(total)", "gc.collect")
    found = collector(asked, BOOTSTRAP)
    assert (found.method_name, found.function, found.exact) == ("gc.collect", "shop.checkout", True)
    assert found.lineno > 0


def test_what_a_thread_does_after_a_collection_did_not_begin_it():
    found = collector(site(shop.add_up), hold=Hold(0.0, 1.5, THREAD, (DUMPS,), is_certain=True))
    assert (found.method_name, found.function) == (AUTOMATIC_COLLECTION, "shop.add_up")


def test_a_collection_belongs_to_the_request_that_its_thread_worked_for():
    request = Request("http", "GET", "export/")
    assert collector(DUMPS, request=RequestInFlight(InFlight(), lambda: request)).request == request


def test_a_collection_whose_beginning_is_unknown_is_still_certain():
    found = collector(hold=Hold(0.0, 1.0, THREAD, (DUMPS,), is_certain=True))
    assert (found.function, found.stack, found.exact) == (AUTOMATIC_COLLECTION, (), True)


def test_a_pause_whose_holder_is_unknown_has_none():
    assert holder() is None
