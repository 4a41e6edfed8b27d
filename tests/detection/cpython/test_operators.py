"""Which operators may have kept the GIL for long: a small constant on the right makes one quick on every Python."""

import pytest

from loopwatch.detection.cpython.instructions import instructions_of
from loopwatch.detection.cpython.operators import may_take_long


def is_slow(statement):
    """Whether anything that a function does with its arguments may take long, as its bytecode says."""
    namespace = {}
    exec(f"def function(x, y, z):\n    {statement}", namespace)
    instructions = instructions_of(namespace["function"].__code__)
    return any(may_take_long(instructions, index) for index in range(len(instructions)))


@pytest.mark.parametrize(
    "statement",
    [
        *("x ** 2", "x % 7", "x * 3", "x // 255", "x // 256", "x -= 1", "x << 8", "x + y"),
        *("x < 5", "x == 'yes'", "x == None", "x in (1, 2)", "not x", "x is y"),
        *("x[1]", "x['key']", "x[y]", "x[y] = z", "x[0:2]", "x[:10]", "x.y", "x.y = z"),
    ],
)
def test_an_operator_is_quick(statement):
    assert not is_slow(statement)


@pytest.mark.parametrize(
    "statement",
    [
        *("x ** y", "x ** 300_000", "x * y", "x * 1_000_000", "x % y", "x << y", "x @ y", "x *= y", "x - y"),
        *("x == y", "x < y", "x in y", "[*x, *y]", "{*x, *y}", "{**x, **y}"),
        *("x[1:]", "x[:]", "x[:-1]", "x[y:z]", "x[1:1_000_000]", "x[y:z] = []", "del x", "del x[0]"),
    ],
)
def test_an_operator_may_be_slow(statement):
    assert is_slow(statement)
