"""Sizes the shop's data so that each mistake takes about as long on every machine, fast or slow."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TARGET_S = 0.24
LONG_ENOUGH_S = 0.03
TRIES = 3


def size_for(work: Callable[[int], object], start: int, exponent: float = 1.0) -> int:
    """The size at which ``work(size)`` computes for ``TARGET_S``, if its cost grows with ``size ** exponent``.

    Processor time is measured, so that a busy machine gives the same answer.
    """
    size = start
    while (cost_s := min(computing_s(work, size) for _ in range(TRIES))) < LONG_ENOUGH_S:
        size *= 2
    growth: float = (TARGET_S / cost_s) ** (1 / exponent)
    return max(1, round(size * growth))


def computing_s(work: Callable[[int], object], size: int) -> float:
    started = time.thread_time()
    work(size)
    return time.thread_time() - started


def durable_writes(folder: Path, at_most: int) -> int:
    """How many small writes with an fsync each the disk under ``folder`` does in ``TARGET_S``, where it is quick.

    A disk that is busy just now must not make the upload one that later blocks too briefly to be noticed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    costs_s = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(b"a page of this size" * 50)
            file.flush()
            os.fsync(file.fileno())
            costs_s.append(time.perf_counter() - started)
    return min(at_most, max(1, round(TARGET_S / sorted(costs_s)[len(costs_s) // 10])))
