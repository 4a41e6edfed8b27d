"""Stored stacks are read without trust in their content."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.rows.column import Column
from loopwatch.rows.stacks import FRAMES_LIMIT, LONGEST_MS, SAMPLES_LIMIT, read_stacks, read_threads
from tests.rows.values import anything

VALID = ["a.py", "a", "f", 1, 0, 0, 0, 0, ""]


def stored(**parts):
    return {"version": 1, "frames": [VALID], "samples": [[1, [0]]]} | parts


def test_whole_stacks_are_read_and_not_damaged():
    (sample,), is_damaged = read_stacks(stored()).values, read_stacks(stored()).is_damaged
    assert (sample.duration_ms, [frame.name for frame in sample.frames], is_damaged) == (1.0, ["a.f"], False)


def test_no_stack_is_no_damage():
    assert read_stacks({}) == read_threads({}) == read_threads(stored()) == Column()


@pytest.mark.parametrize("thread", [None, [], [1], [1, [1]], [1, [-1]], [-1, [0]], ["1", [0]], [1, "0"], [1, [0], 2]])
def test_another_thread_that_cannot_be_read_is_left_out(thread):
    column = read_threads(stored(threads=[thread, [2, [0]]]))
    assert ([each.count for each in column.values], column.is_damaged) == ([2], True)


@pytest.mark.parametrize("junk", [None, 7, "threads", {}])
def test_other_threads_of_another_form_are_damaged(junk):
    assert read_threads(stored(threads=junk)).is_damaged


@pytest.mark.parametrize(
    "junk",
    [
        None,
        [],
        "text",
        7,
        {"version": 2, "frames": [VALID], "samples": [[1, [0]]]},
        {"version": True, "frames": 3, "samples": 4},
        {"version": 1},
        stored(frames=3),
        stored(samples={"0": 0}),
    ],
)
def test_a_column_of_another_form_is_damaged(junk):
    assert read_stacks(junk) == Column(is_damaged=True)


@pytest.mark.parametrize(
    "sample",
    [
        None,
        1,
        [],
        ["x", [0]],
        [1, 0],
        [1, {"0": 0}],
        [1, [0], 2],
        [1, [1]],
        [1, [-1]],
        [1, ["0"]],
        [1, [None]],
        [-1, [0]],
        [1e308, [0]],
        [math.nan, [0]],
        [math.inf, [0]],
        [10**400, [0]],
        [1, [0] * (FRAMES_LIMIT + 1)],
    ],
    ids=str,
)
def test_a_sample_that_cannot_be_read_is_left_out(sample):
    column = read_stacks(stored(samples=[[5, [0]], sample, [6, []]]))
    assert [(each.duration_ms, len(each.frames)) for each in column.values] == [(5.0, 1), (6.0, 0)]
    assert column.is_damaged


@pytest.mark.parametrize(
    "frame", [None, ["a"], [*VALID, ""], [*VALID[:3], -1, *VALID[4:]], [*VALID[:3], 2**31, *VALID[4:]]]
)
def test_a_frame_that_cannot_be_read_takes_only_its_samples_along(frame):
    column = read_stacks(stored(frames=[VALID, frame], samples=[[1, [0]], [2, [0, 1]]]))
    assert [sample.duration_ms for sample in column.values] == [1.0]
    assert column.is_damaged


def test_samples_over_the_limit_are_not_read():
    column = read_stacks(stored(samples=[[1, [0]]] * (SAMPLES_LIMIT + 1)))
    assert len(column.values) == SAMPLES_LIMIT
    assert column.is_damaged


@given(st.lists(anything | st.just(VALID)), st.lists(anything | st.tuples(st.floats(), st.just([0])).map(list)))
def test_random_stacks_give_finite_samples(frames, samples):
    for sample in read_stacks(stored(frames=frames, samples=samples)).values:
        assert 0 <= sample.duration_ms <= LONGEST_MS


@given(anything)
def test_random_stacks_are_read_without_an_error(value):
    read_stacks(value)
