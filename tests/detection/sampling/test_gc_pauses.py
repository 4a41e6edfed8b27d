"""How long the garbage collector ran, and on whose thread."""

import asyncio
import gc
import threading

import pytest

from loopwatch.detection.calls import Request
from loopwatch.detection.machine.clock import now
from loopwatch.detection.sampling import gc_pauses
from loopwatch.detection.sampling.gc_pauses import SHORTEST_PAUSE_S, Collecting, GcPauses
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight, current_request

ROOM_TO_NOTE = 4
"""So many frames are enough for the callback, and not for a look at the stack."""


@pytest.fixture
def pauses():
    """Real pauses, with so many objects that a collection takes long enough to be remembered.

    No collection begins except those that the test asks for.
    """
    pauses = GcPauses()
    gc.disable()
    many = [[] for _ in range(300_000)]
    pauses.install()
    yield pauses
    pauses.uninstall()
    gc.enable()
    del many


def test_a_collection_counts_for_the_thread_that_collects(pauses):
    started = now()
    gc.collect()
    ended = now()
    collecting = pauses.within(threading.get_ident(), started, ended)
    assert SHORTEST_PAUSE_S <= collecting.own_s(started, ended) <= ended - started
    assert collecting.others_s == 0.0


def test_a_collection_of_another_thread_counts_as_the_others(pauses):
    started = now()
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()
    collecting = pauses.within(threading.get_ident(), started, now())
    assert collecting.own == ()
    assert collecting.others_s >= SHORTEST_PAUSE_S


def test_only_the_part_of_a_collection_between_the_two_moments_counts(pauses):
    before = now()
    gc.collect()
    after = now()
    here = threading.get_ident()
    assert pauses.within(here, before - 2.0, before) == Collecting()
    assert pauses.within(here, after, after + 2.0) == Collecting()


def test_the_collection_that_fills_most_of_a_stall_is_that_of_another_thread(pauses):
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread_id = thread.ident
    thread.join()
    collected = next(pause for pause in pauses._pauses if pause.thread_id == thread_id)
    assert pauses.by_another_thread(threading.get_ident(), collected.started, collected.ended) == collected
    assert pauses.by_another_thread(thread_id, collected.started, collected.ended) is None


def test_a_collection_that_fills_less_than_half_of_a_stall_does_not_explain_it(pauses):
    started = now()
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()
    assert pauses.by_another_thread(threading.get_ident(), started, started + 3600) is None


@pytest.fixture
def long_pauses(pauses, monkeypatch):
    """Pauses of which each is long enough to look for what began it."""
    monkeypatch.setattr(gc_pauses, "SHORTEST_LOOKED_AT_S", SHORTEST_PAUSE_S)
    return pauses


def collect():
    gc.collect()


def allocate():
    gc.enable()
    kept = [[] for _ in range(100_000)]
    gc.disable()
    return kept


def longest(pauses):
    return max(pauses._pauses, key=lambda pause: pause.ended - pause.started)


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_a_collection_that_was_asked_for_began_at_that_call(long_pauses):
    in_thread(collect)
    sites = longest(long_pauses).sites
    assert (sites[0].code, sites[0].callee.name) == (collect.__code__, "gc.collect")
    assert sites[-1].module == "threading"


def test_a_collection_that_was_not_asked_for_began_in_the_code_that_allocates(long_pauses):
    in_thread(allocate)
    codes = [site.code for site in longest(long_pauses).sites]
    assert allocate.__code__ in codes
    assert GcPauses._note.__code__ not in codes


def test_a_collection_of_an_executors_thread_belongs_to_the_request_it_works_for(long_pauses):
    request = RequestInFlight(InFlight(), lambda: Request("http", "GET", "export/"))

    async def view():
        current_request.set(request)
        await asyncio.to_thread(collect)

    asyncio.run(view())
    assert longest(long_pauses).request is request


def test_a_collection_close_to_the_recursion_limit_is_noted_without_its_beginning(long_pauses):
    def collect_on_the_way_back():
        """Return how many frames have been left since the limit was reached."""
        try:
            left = 1 + collect_on_the_way_back()
        except RecursionError:
            return 0
        if left == ROOM_TO_NOTE:
            gc.collect()
        return left

    in_thread(collect_on_the_way_back)
    assert [pause.sites for pause in long_pauses._pauses] == [()]


def test_a_short_collection_is_not_looked_at(pauses, monkeypatch):
    monkeypatch.setattr(gc_pauses, "SHORTEST_LOOKED_AT_S", 3600.0)
    in_thread(collect)
    assert longest(pauses).sites == ()
