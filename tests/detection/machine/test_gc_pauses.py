"""How long the garbage collector ran, and on whose thread."""

import gc
import threading

import pytest

from loopwatch.detection.machine.clock import now
from loopwatch.detection.machine.gc_pauses import SHORTEST_PAUSE_S, Collecting, GcPauses


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
