"""How the cost grows with the number of tasks, the depth of stacks and the number of stalls."""

import asyncio
import sys
import time
from functools import partial

from tests.benchmarks.variants import Variant
from tests.benchmarks.workloads.stalls import end_of, wait
from tests.benchmarks.workloads.work import Group, Shown, Work, Workload, cpu_s_each

STEPS = 10_000
SHORT_THRESHOLD_MS = 0.25
SHORT_STALL_S = 0.0005
STALLING_S = 1.0


def _prepare_tasks(tasks: int, variant: Variant) -> Work:
    variant.begin()
    each = STEPS // tasks

    async def turns() -> None:
        for _ in range(each):
            await asyncio.sleep(0)

    async def work() -> None:
        await asyncio.gather(*(turns() for _ in range(tasks)))

    return cpu_s_each(work, tasks * (each + 2))  # each task begins, and tells when it is done


def _prepare_depth(frames: int, variant: Variant) -> Work:
    variant.begin()
    sys.setrecursionlimit(frames + 1000)

    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        else:
            wait()

    async def stall() -> float:
        return (await end_of(partial(deep, frames))).at

    return stall


def _prepare_rate(stalls: int, variant: Variant) -> Work:
    """Stalls of half a millisecond, spread over a second; seconds of CPU time, threads and all."""
    if variant.is_in_app:
        from loopwatch import watch

        watch(threshold_ms=SHORT_THRESHOLD_MS, engine=variant.engine, on_blocking_call=lambda _: None).__enter__()

    async def work() -> float:
        begin, cpu_s = time.perf_counter(), time.process_time()
        for number in range(stalls):
            await asyncio.sleep(begin + number * STALLING_S / stalls - time.perf_counter())
            until = time.perf_counter() + SHORT_STALL_S
            while time.perf_counter() < until:
                pass
        await asyncio.sleep(begin + STALLING_S - time.perf_counter())
        return time.process_time() - cpu_s

    return work


GROWTH = partial(Workload, group=Group.GROWTH)
WORKLOADS = (
    *(
        GROWTH(f"tasks-{tasks}", f"a callback, {tasks:,} tasks", partial(_prepare_tasks, tasks), Shown.NANOSECONDS_MORE)
        for tasks in (1, 100, 10_000)
    ),
    *(
        GROWTH(f"deep-{frames}", f"a stall {frames:,} deep", partial(_prepare_depth, frames), Shown.MICROSECONDS_MORE)
        for frames in (10, 100, 1_000)
    ),
    *(
        GROWTH(f"rate-{stalls}", f"{stalls:,} stalls a second", partial(_prepare_rate, stalls), Shown.PERCENT_MORE)
        for stalls in (1, 100, 1_000)
    ),
)
