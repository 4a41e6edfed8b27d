"""Steps that do next to nothing: what a callback of the loop, and a task, cost more."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from tests.benchmarks.variants import Variant
from tests.benchmarks.workloads.work import Shown, Work, Workload, cpu_s_each

STEPS = 4_000
TASKS = 500


async def _steps() -> None:
    for _ in range(STEPS):
        await asyncio.sleep(0)


async def _nothing() -> None:
    pass


async def _tasks() -> None:
    for _ in range(TASKS):
        await asyncio.create_task(_nothing())


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


def _prepare(do: Callable[[], Coroutine[Any, Any, None]], count: int, variant: Variant) -> Work:
    variant.begin()
    return cpu_s_each(do, count)


WORKLOADS = (
    Workload("callback", "a callback", partial(_prepare, _steps, STEPS), Shown.NANOSECONDS_MORE, has_floors=True),
    Workload(
        "callback-uvloop",
        "a callback, uvloop",
        partial(_prepare, _steps, STEPS),
        Shown.NANOSECONDS_MORE,
        new_loop=_uvloop,
    ),
    Workload("task", "a task", partial(_prepare, _tasks, TASKS)),
)
