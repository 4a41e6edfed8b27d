"""A process whose loop has nothing to do, or hardly anything: uvicorn wakes its own ten times a second."""

import asyncio
import time
from functools import partial

from tests.benchmarks.variants import Variant
from tests.benchmarks.workloads.requests import request
from tests.benchmarks.workloads.work import Shown, Work, Workload

SETTLING_S = 1.0
SECONDS = 4.0


def _prepare(ticks: int, variant: Variant) -> Work:
    """After a request: the loop is being watched, and the writer is there too."""
    from tests.benchmarks import site

    site.configure(engine=variant.engine or "sampling")
    application = site.watched(variant)

    async def idle() -> float:
        await request(application)
        await asyncio.sleep(SETTLING_S)
        begin = time.process_time()
        for _ in range(ticks):
            await asyncio.sleep(SECONDS / ticks)
        return (time.process_time() - begin) / SECONDS

    return idle


WORKLOADS = (
    Workload("idle", "idle", partial(_prepare, 1), Shown.PERCENT_OF_A_CORE, at_once=True),
    Workload("ticks", "idle, woken ten times a second", partial(_prepare, 40), Shown.PERCENT_MORE, at_once=True),
)
