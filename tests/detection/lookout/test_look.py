"""Which thread the looks of a stretch of time show."""

import pytest

from loopwatch.detection.lookout.look import Look, keeper_of

A, B = 1, 2


def look(thread_id, first_at, last_at):
    return Look(thread_id, first_at, last_at, 0, (), 0)


@pytest.mark.parametrize(
    ("looks", "keeper"),
    [
        pytest.param([], None, id="none without a look"),
        pytest.param([look(A, 1.0, 9.0)], A, id="the one that was seen most of the time"),
        pytest.param([look(A, 1.0, 4.0), look(B, 4.0, 5.0), look(A, 5.0, 9.0)], A, id="the same in two looks"),
        pytest.param([look(A, 1.0, 5.0), look(B, 5.0, 9.0)], None, id="none if two shared it"),
        pytest.param([look(A, -90.0, 3.0)], None, id="none if it was before"),
        pytest.param([look(A, 8.0, 90.0)], None, id="none if it was afterwards"),
    ],
)
def test_the_keeper_of_ten_seconds_is(looks, keeper):
    assert keeper_of(looks, 0.0, 10.0) == keeper
