"""Pages behind real servers, each on one CPU, which are asked for from another one.

The process that does this work is the one that asks. It asks as fast as the server answers; then at random moments,
half as often; and then half as often while one more request blocks the loop.
"""

import statistics
import time
from functools import partial
from operator import itemgetter

from tests.benchmarks.load import client, moments
from tests.benchmarks.pages import PAGE_VARIABLE, PAGES, STALL, STALL_S, VARIANT_VARIABLE
from tests.benchmarks.servers import SERVERS, cpu_s, pin, start_server
from tests.benchmarks.variants import Variant
from tests.benchmarks.workloads.work import Group, Measure, Shown, Work, Workload

CONNECTIONS = 16
SECONDS = 0.5
"""How long each of the three takes."""
SETTLING_S = 1.2
"""What is done after a stall, such as writing it a second later, must not fall into the turn of another server."""

APPLICATION = "tests.benchmarks.pages:application"
MEASURES = (
    Measure("throughput", "Throughput at full load", Shown.SHARE),
    Measure("cpu", "CPU time of a request", Shown.RATIO),
    Measure("p50", "Median latency at full load", Shown.RATIO),
    Measure("p99", "p99 at full load", Shown.RATIO),
    Measure("half-p50", "Median latency at half load", Shown.RATIO),
    Measure("half-p99", "p99 at half load", Shown.RATIO),
    Measure("stall-p99", f"p99 at half load, beside a stall of {STALL_S * 1000:.0f} ms", Shown.RATIO),
)
TITLES = {
    "view": "an async view",
    "account": "session and user",
    "groups": "query and template",
    "echo": "WebSocket echo",
}


def _prepare(server: str, page: str, variant: Variant) -> Work:
    pin(0, 0)
    environment = {VARIANT_VARIABLE: variant.name, PAGE_VARIABLE: page}
    process, port = start_server(server, APPLICATION, environment)

    async def load() -> dict[str, float]:
        with client(port) as asking:
            pool, before_s = asking.pool(PAGES[page], CONNECTIONS), cpu_s(process)
            took_s = asking.ask_all_the_time(pool, SECONDS)
            full, used_s = pool.latencies, cpu_s(process) - before_s
        half, stalled = (_half(port, page, len(full) / took_s / 2, stalls) for stalls in ([], [SECONDS / 10]))
        time.sleep(SETTLING_S)
        return {
            "throughput": took_s / len(full),
            "cpu": used_s / len(full),
            "p50": statistics.median(full),
            "p99": p99(full),
            "half-p50": statistics.median(half),
            "half-p99": p99(half),
            "stall-p99": p99(stalled),
        }

    return load


def _half(port: int, page: str, rate: float, stalls: list[float]) -> list[float]:
    with client(port) as asking:
        pool = asking.pool(PAGES[page], CONNECTIONS)
        plan = [(moment, pool) for moment in moments(rate, SECONDS)]
        if stalls:
            blocking = asking.pool(STALL, 1)
            plan += [(moment, blocking) for moment in stalls]
        asking.ask_at(sorted(plan, key=itemgetter(0)))
        return pool.latencies


def p99(latencies: list[float]) -> float:
    return statistics.quantiles(latencies, n=100)[98]


SERVED_BY = {"daphne": "Daphne", "uvicorn": "uvicorn, asyncio", "uvicorn-uvloop": "uvicorn, uvloop"}
WORKLOADS = tuple(
    Workload(
        f"{server}-{page}",
        TITLES[page],
        partial(_prepare, server, page),
        group=Group.PAGES,
        measures=MEASURES,
        served_by=SERVED_BY[server],
    )
    for server in SERVERS
    for page in PAGES
)
