"""What a stall costs the loop's thread, and what the threads beside it cost.

The next step begins later for a stall, by what its end costs and by what the watchdog does with the GIL just then. Two
stalls of each kind are over before the first one that counts, so that names and lines have been looked up.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from tests.benchmarks.variants import THRESHOLD_MS, Variant
from tests.benchmarks.workloads.requests import request
from tests.benchmarks.workloads.work import Group, Shown, Work, Workload

STALL_S = THRESHOLD_MS / 1000 * 1.2
STALLS = 4
BUSY_S = 1.0


class Moment(NamedTuple):
    """CPU seconds of the loop's thread, and seconds."""

    cpu_s: float
    at: float


def moment() -> Moment:
    return Moment(time.thread_time(), time.perf_counter())


def wait() -> None:
    time.sleep(STALL_S)


def compute() -> None:
    until = time.perf_counter() + STALL_S
    while time.perf_counter() < until:
        pass


async def end_of(stall: Callable[[], object]) -> Moment:
    """From the last thing a stall does to the first thing the next step does."""
    ended: list[Moment] = []

    def step() -> None:
        stall()
        ended.append(moment())

    loop = asyncio.get_running_loop()
    loop.call_soon(step)
    loop.call_soon(lambda: ended.append(moment()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    before, after = ended
    return Moment(after.cpu_s - before.cpu_s, after.at - before.at)


def _prepare(field: str, stall: Callable[[], object], variant: Variant) -> Work:
    variant.begin()

    async def stalls() -> float:
        return statistics.median([getattr(await end_of(stall), field) for _ in range(STALLS)])

    return stalls


def _prepare_busy(statistic: str, variant: Variant) -> Work:
    """Of loopwatch's own statistics, while the site serves requests one after the other."""
    from tests.benchmarks import site

    site.configure(engine=variant.engine or "sampling")
    application = site.watched(variant)

    async def busy() -> float:
        import loopwatch

        used_s, begin = getattr(loopwatch.stats(), statistic), time.perf_counter()
        while (elapsed_s := time.perf_counter() - begin) < BUSY_S:
            await request(application)
        return (getattr(loopwatch.stats(), statistic) - used_s) / elapsed_s

    return busy


STALL = partial(Workload, group=Group.STALLS, shown=Shown.MICROSECONDS_MORE)
BUSY = partial(Workload, group=Group.STALLS, shown=Shown.PERCENT_OF_A_CORE)
WORKLOADS = (
    STALL("stall-cpu", "a stall: CPU time of the loop's thread", partial(_prepare, "cpu_s", wait)),
    STALL("stall-waiting", "the next step begins later, after a wait", partial(_prepare, "at", wait)),
    STALL("stall-computing", "after a computation", partial(_prepare, "at", compute)),
    BUSY("watchdog", "the watchdog, on a busy site", partial(_prepare_busy, "watchdog_cpu_s")),
    BUSY("writer", "the writer", partial(_prepare_busy, "writer_cpu_s")),
)
