"""How many calls a step is known to have made: samples show some of them, by the marks on their frames."""

import json
from dataclasses import replace

import pytest

from loopwatch.detection.verdict.culprit import culprit_of
from tests.detection import shop
from tests.detection.builders import path, site

CHECKOUT = site(shop.checkout, "json.dumps(total)")
DUMPS = site(json.dumps)
ENCODE = site(json.JSONEncoder.encode)
SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
PRICES = site(shop.price)


def marked(seen, mark):
    return replace(seen, mark=mark)


def calls_seen(*stacks, counts=None, elsewhere=(), is_exact=True):
    through = [path(stack, is_exact=is_exact) for stack in stacks]
    paths = [*through, *(path(stack, 0.1) for stack in elsewhere)]
    return culprit_of(paths).calls_seen(paths, counts or {})


@pytest.mark.parametrize(
    ("marks", "number"), [((1, 2, 3), 3), ((1, 1, 1), 1), ((1, 1, 2), 2), ((None, None), 1), ((None, 1, 2), 2)]
)
def test_each_frame_of_the_callee_is_a_call(marks, number):
    assert calls_seen(*([marked(DUMPS, mark), CHECKOUT] for mark in marks)) == number


def test_calls_inside_the_callee_do_not_count():
    assert calls_seen(*([marked(ENCODE, mark), marked(DUMPS, 1), CHECKOUT] for mark in range(5))) == 1


def test_a_c_function_was_called_as_often_as_the_function_that_calls_it():
    assert calls_seen([marked(SLEEPS, 1)], [marked(SLEEPS, 2)]) == 2
    assert calls_seen([marked(SLEEPS, 1)], [marked(SLEEPS, 1)]) == 1


def test_a_c_function_that_is_not_certain_does_not_count():
    assert calls_seen([marked(SLEEPS, 1)], [marked(SLEEPS, 2)], is_exact=False) == 1


def test_a_function_that_spends_the_time_itself_counts_its_own_frames():
    assert calls_seen([marked(PRICES, 1), CHECKOUT], [marked(PRICES, 2), CHECKOUT]) == 2


@pytest.mark.parametrize(
    ("stack", "key"), [([DUMPS, CHECKOUT], json.dumps.__code__), ([SLEEPS], "time.sleep")], ids=["Python", "C"]
)
def test_a_trace_has_counted_the_calls(stack, key):
    assert calls_seen(stack, counts={key: 600}) == 600


def test_the_count_of_a_trace_says_nothing_if_other_functions_make_the_call():
    from_elsewhere = [marked(DUMPS, 7), site(shop.add_up)]
    assert calls_seen([DUMPS, CHECKOUT], counts={json.dumps.__code__: 600}, elsewhere=[from_elsewhere]) == 1
