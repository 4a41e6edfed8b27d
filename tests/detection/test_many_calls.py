"""A step that makes one call many times says how many of these calls its samples saw."""

import time

import pytest

from loopwatch import watch
from loopwatch.detection.cpython.frame_variables import COPIES_LOCALS

pytestmark = pytest.mark.real_time

CALLS = 30


def ask():
    time.sleep(0.01)


def ask_in_a_loop():
    for _ in range(CALLS):
        time.sleep(0.01)


async def test_a_call_that_is_repeated_is_seen_several_times_and_never_more_often_than_it_was_made():
    with watch(threshold_ms=40) as watcher:
        for _ in range(CALLS):
            ask()
    (call,) = watcher.calls
    assert (call.function.rpartition(".")[2], call.called_name) == ("ask", "time.sleep")
    assert 5 <= call.calls_seen <= CALLS


async def test_a_c_function_that_is_repeated_in_a_loop_is_seen_several_times_where_variables_can_be_read():
    with watch(threshold_ms=40) as watcher:
        ask_in_a_loop()
    assert (1 if COPIES_LOCALS else 5) <= watcher.calls[0].calls_seen <= (1 if COPIES_LOCALS else CALLS)


async def test_one_long_call_is_one():
    with watch(threshold_ms=40) as watcher:
        time.sleep(0.2)
    assert watcher.calls[0].calls_seen == 1
