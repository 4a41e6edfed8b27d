"""Steps that make many calls: what a tracer pays for."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from tests.benchmarks.variants import Variant
from tests.benchmarks.workloads.work import Work, Workload, cpu_s_each

CALLS = 100_000
STEPS = 10


def _nothing() -> None:
    pass


async def _python_calls() -> None:
    for _ in range(STEPS):
        for _ in range(CALLS // STEPS):
            _nothing()
        await asyncio.sleep(0)


async def _builtin_calls() -> None:
    for _ in range(STEPS):
        for _ in range(CALLS // STEPS):
            abs(1)
        await asyncio.sleep(0)


def _prepare(calls: Callable[[], Coroutine[Any, Any, None]], variant: Variant) -> Work:
    variant.begin()
    return cpu_s_each(calls, CALLS)


WORKLOADS = (
    Workload("python-calls", "100,000 Python calls", partial(_prepare, _python_calls)),
    Workload("builtin-calls", "100,000 builtin calls", partial(_prepare, _builtin_calls)),
)
