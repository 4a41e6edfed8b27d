"""How much work is clearly a stall, on a machine fast or slow."""

import functools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

STALL_S = 0.11
AIM_S = 1.25 * STALL_S
ENOUGH_S = STALL_S / 4
"""Work that takes so long shows how long a larger size takes."""
LARGEST_SIZE = 1 << 32


def sized(
    work: Callable[[Any], object], make: Callable[[int], Any] = int, start: int = 1, *, is_steep: bool = False
) -> Callable[[], AbstractContextManager[Any]]:
    """For a case: ``make(size)``, with a size for which ``work`` takes about ``AIM_S``.

    ``is_steep``: the time grows with the size so quickly that the size has to grow by one.
    """

    @contextmanager
    def given() -> Iterator[Any]:
        yield make(size_that_takes_long(work, make, start, is_steep=is_steep))

    return given


@functools.cache
def size_that_takes_long(
    work: Callable[[Any], object],
    make: Callable[[int], Any] = int,
    start: int = 1,
    *,
    is_steep: bool = False,
    clock: Callable[[], float] = time.thread_time,
) -> int:
    """``clock`` defaults to the time on a CPU, which other processes do not lengthen; waiting needs another one."""
    size, smaller = start, None
    while True:
        assert size < LARGEST_SIZE, f"{work} takes no time"
        took_s = max(_duration_s(work, make(size), clock), 1e-6)
        if took_s >= STALL_S:
            return size
        if is_steep:
            size += 1
        elif smaller and took_s >= ENOUGH_S:
            return _size_for_aim(smaller, (size, took_s))
        else:
            smaller = (size, took_s)
            size = max(size + 1, int(size * min(4.0, AIM_S / took_s)))


def _size_for_aim(smaller: tuple[int, float], larger: tuple[int, float]) -> int:
    """Extrapolate from two sizes and what they took, whose logarithms lie on a line."""
    (size, took_s), (larger_size, larger_took_s) = smaller, larger
    # What only the first run has to do, such as an import, must not let the slope seem flat.
    slope = max(1.0, math.log(larger_took_s / took_s) / math.log(larger_size / size))
    return int(larger_size * (AIM_S / larger_took_s) ** (1 / slope))


def _duration_s(work: Callable[[Any], object], argument: object, clock: Callable[[], float]) -> float:
    started = clock()
    work(argument)
    return clock() - started
