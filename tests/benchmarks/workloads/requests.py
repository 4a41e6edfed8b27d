"""An async Django view that does nothing, in process: the most that a request can cost more."""

import asyncio
from functools import partial
from typing import Any

from tests.benchmarks.variants import Variant
from tests.benchmarks.workloads.work import Work, Workload, cpu_s_each

REQUESTS = 60
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/ok/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "http_version": "1.1",
    "scheme": "http",
}


async def request(application: Any) -> None:
    """One request, as a server makes it: in a task of its own."""
    received: list[bool] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        if received:
            await asyncio.Event().wait()
        received.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message.get("status", 200) != 200:
            raise AssertionError(message)

    await asyncio.create_task(application(dict(SCOPE), receive, send))


def _prepare(has_middleware: bool, variant: Variant) -> Work:
    from tests.benchmarks import site

    middleware = site.STARTPROJECTS_MIDDLEWARE if has_middleware else []
    site.configure(
        engine=variant.engine or "sampling",
        middleware=middleware,
        thread_waits=variant.thread_waits,
        lookout=variant.lookout,
    )
    application = site.watched(variant)

    async def requests() -> None:
        for _ in range(REQUESTS):
            await request(application)

    return cpu_s_each(requests, REQUESTS)


WORKLOADS = (
    Workload("view", "an empty view", partial(_prepare, False), has_floors=True, has_parts=True),
    Workload("middleware", "with the usual middleware", partial(_prepare, True), has_floors=True, has_parts=True),
)
