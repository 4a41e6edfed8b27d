"""The smaller JSON columns are read without trust in their content."""

import math

import pytest
from hypothesis import given

from loopwatch.rows.column import Column
from loopwatch.rows.details import (
    StoredContribution,
    StoredDelay,
    read_contributions,
    read_delays,
    read_errors,
    read_releases,
)
from tests.rows.values import anything

CONTRIBUTION = {"name": "a", "own_ms": 1, "count": None, "function": "b", "lineno": 4}
WHOLE = {
    read_contributions: (
        [CONTRIBUTION, CONTRIBUTION | {"own_ms": 2.5, "count": 3, "function": "", "lineno": 0, "new": 1}],
        (StoredContribution("a", 1.0, None, "b", 4), StoredContribution("a", 2.5, 3, "", 0)),
    ),
    read_delays: ([["GET", "a/", 7], ["", "", 0]], (StoredDelay("GET", "a/", 7), StoredDelay("", "", 0))),
    read_releases: (["1.4", ""], ("1.4", "")),
}
READERS = [*WHOLE, read_errors]
by_name = {"ids": lambda value: getattr(value, "__name__", None)}


@pytest.mark.parametrize("read", WHOLE, **by_name)
def test_a_whole_column_is_read_unchanged(read):
    stored, expected = WHOLE[read]
    assert read(stored) == Column(expected)
    assert read([]) == Column()


def test_errors_are_an_object():
    assert read_errors({"log": 1, "database": 2}) == Column((("log", 1), ("database", 2)))
    assert read_errors({}) == Column()


@pytest.mark.parametrize("read", READERS, **by_name)
@pytest.mark.parametrize("junk", [None, 7, "junk", True])
def test_what_is_no_list_is_damage(read, junk):
    assert read(junk) == Column(is_damaged=True)


@pytest.mark.parametrize(
    ("read", "entry"),
    [
        (read_contributions, "junk"),
        (read_contributions, {"name": "a", "own_ms": 1}),
        (read_contributions, CONTRIBUTION | {"name": 7}),
        (read_contributions, CONTRIBUTION | {"own_ms": math.nan}),
        (read_contributions, CONTRIBUTION | {"own_ms": 1e308}),
        (read_contributions, CONTRIBUTION | {"count": -1}),
        (read_contributions, CONTRIBUTION | {"count": "1"}),
        (read_contributions, CONTRIBUTION | {"function": None}),
        (read_contributions, CONTRIBUTION | {"lineno": -1}),
        (read_delays, ["GET", 3]),
        (read_delays, ["GET", "a/", 1.5]),
        (read_delays, ["GET", "a/", -1]),
        (read_delays, ["GET", "a/", 10**30]),
        (read_releases, None),
        (read_releases, 7),
    ],
)
def test_an_entry_that_cannot_be_read_is_left_out(read, entry):
    stored, expected = WHOLE[read]
    assert read([stored[0], entry, *stored[1:]]) == Column(expected, is_damaged=True)


@pytest.mark.parametrize("count", ["many", 1.5, -1, None, 10**30])
def test_a_count_of_errors_that_is_none_is_left_out(count):
    assert read_errors({"log": 1, "database": count}) == Column((("log", 1),), is_damaged=True)


@pytest.mark.parametrize("read", READERS, **by_name)
@given(value=anything)
def test_random_columns_are_read_without_an_error(read, value):
    read(value)
