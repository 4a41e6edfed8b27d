"""A wait is attributed to the functions whose calls held the threads meanwhile."""

import pytest

from loopwatch.thread_waits.attribution import MOST_NAMED, REMEMBERED, ThreadHolder, attribute
from loopwatch.thread_waits.thread_wait import HeldThreads


def holder(name, started, ended):
    return ThreadHolder(name, None, started, ended)


def held(threads, *ended, running=()):
    """Return what is blamed for a wait from second 10 to second 20: names, and how many threads each held."""
    attribution = attribute([holder(*each) for each in ended], [holder(*each) for each in running], 10, 20, threads)
    return attribution and [(each.name, each.threads) for each in attribution.held]


def test_calls_that_still_run_count():
    assert held(3, running=[("render", 5, 20), ("render", 9, 20), ("send", 0, 20)]) == [("render", 2), ("send", 1)]


def test_calls_that_follow_each_other_in_a_thread_count_as_one_thread():
    assert held(2, ("send", 5, 20), *(("render", at, at + 1) for at in range(10, 20))) == [("send", 1), ("render", 1)]


def test_a_call_counts_only_for_the_time_of_the_wait():
    assert held(1, ("early", 0, 14), ("late", 14, 20)) == [("late", 1), ("early", 1)]


def test_a_call_that_ended_before_the_wait_is_not_blamed():
    assert held(1, ("early", 0, 10), ("late", 12, 20)) == [("late", 1)]


def test_a_call_does_not_count_for_the_time_after_the_wait():
    assert held(2, ("through", 10, 20), ("late", 15, 99)) == [("through", 1), ("late", 1)]


def test_a_call_that_begins_after_the_wait_is_not_blamed():
    assert held(1, ("render", 10, 20), running=[("render", 50, 20), ("later", 50, 20)]) == [("render", 1)]


@pytest.mark.parametrize(("threads", "is_full"), [(1, True), (2, True), (3, False), (6, False)])
def test_no_call_is_blamed_if_threads_were_free_for_most_of_the_wait(threads, is_full):
    assert (held(threads, running=[("render", 5, 20)]) is not None) is (is_full)


def test_no_call_is_blamed_if_none_ran():
    assert held(1) is None


def test_functions_beyond_the_limit_are_not_named():
    running = [(f"view_{number}", 5 + number / 10, 20) for number in range(9)]
    assert len(held(9, running=running)) == MOST_NAMED


def test_the_request_is_that_of_the_longest_call_of_the_function_that_held_most():
    request = object()
    renders = [ThreadHolder("render", None, 10, 13), ThreadHolder("render", request, 13, 17)]
    assert attribute([*renders, ThreadHolder("send", None, 17, 20)], [], 10, 20, 1).request is request


def test_a_long_wait_is_attributed_by_what_is_remembered_of_it():
    ended = [holder("render", number, number + 1) for number in range(REMEMBERED)]
    attribution = attribute(ended, [], -1000, REMEMBERED, 1)
    assert attribution.held == (HeldThreads("render", 1),)
