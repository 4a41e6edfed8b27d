"""A process whose loop has nothing to do."""

import asyncio
import time

from tests.benchmarks.variants import Variant
from tests.benchmarks.workloads.requests import request
from tests.benchmarks.workloads.work import Shown, Work, Workload

SETTLING_S = 1.0
SECONDS = 4.0


def _prepare(variant: Variant) -> Work:
    """After a request: the loop is being watched, and the writer is there too."""
    from tests.benchmarks import site

    site.configure(engine=variant.engine or "sampling")
    application = site.watched(variant)

    async def idle() -> float:
        await request(application)
        await asyncio.sleep(SETTLING_S)
        begin = time.process_time()
        await asyncio.sleep(SECONDS)
        return (time.process_time() - begin) / SECONDS

    return idle


WORKLOADS = (Workload("idle", "idle", _prepare, Shown.PERCENT_OF_A_CORE, at_once=True),)
