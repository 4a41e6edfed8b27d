"""How much work is clearly a stall, on a machine fast or slow."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

STALL_S = 0.11
LARGEST_SIZE = 1 << 32


def sized(
    work: Callable[[Any], object], make: Callable[[int], Any] = int, start: int = 1, *, is_steep: bool = False
) -> Callable[[], AbstractContextManager[Any]]:
    """For a case: ``make(size)``, with a size for which ``work`` takes longer than ``STALL_S``, and not much longer.

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
    size = start
    while True:
        assert size < LARGEST_SIZE, f"{work} takes no time"
        took_s = _duration_s(work, make(size), clock)
        if took_s >= STALL_S:
            return size
        size = size + 1 if is_steep else max(size + 1, int(size * min(4.0, 1.25 * STALL_S / max(took_s, 1e-6))))


def _duration_s(work: Callable[[Any], object], argument: object, clock: Callable[[], float]) -> float:
    started = clock()
    work(argument)
    return clock() - started
