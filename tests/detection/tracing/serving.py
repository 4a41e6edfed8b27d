"""Serves a request that is traced, and gives it work that blocks."""

import asyncio
import time

from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight, current_request
from loopwatch.detection.tracing.traced_requests import RequestTracing

SHORT_S = 0.03
LONG_S = 0.2
THRESHOLD_S = 0.005


def short():
    time.sleep(SHORT_S)


def long():
    time.sleep(LONG_S)


def several():
    for _ in range(5):
        time.sleep(0.002)


async def traced(work, threshold_s=THRESHOLD_S, **options):
    """Serve ``work()`` as a traced request, in a separate task; return its tracing once all stalls are settled."""

    async def serve():
        request = RequestInFlight(InFlight(), lambda: Request("http"))
        current_request.set(request)
        request.resume()
        tracing = RequestTracing(request, threshold_s)
        assert monitor.trace_request(asyncio.get_running_loop(), tracing, [work])
        try:
            await work()
        finally:
            request.finish()
        return tracing

    tracing = await asyncio.create_task(serve())
    assert monitor.settle(30)
    return tracing


def clock():
    return monitor._monitor._hooks.watched[asyncio.get_running_loop()]


def names(calls):
    """Of the sleeps: on a busy machine any other step may take long as well."""
    found = [(call.method_name, call.function.rpartition(".")[2]) for call in calls]
    return [name for name in found if name[0] == "time.sleep"]
