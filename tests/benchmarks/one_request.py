"""What it costs to trace one request, to itself and to the one that follows it.

``python -m tests.benchmarks.one_request [--rounds 101]`` asks an async Django view that does nothing, in process and
interleaved: as ever, traced by chance, and traced on demand. Printed is the CPU time of the loop's thread from the call
of the application to its end, in milliseconds: the median, and between what the middle half of the rounds lay.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks import site

PAUSE_S = 0.01
"""In which the log of a trace is written."""


async def ask(application: Any, headers: list[tuple[bytes, bytes]]) -> float:
    """CPU milliseconds of one request."""
    scope = {"type": "http", "method": "GET", "path": "/ok/", "query_string": b"", "headers": headers}
    body = [{"type": "http.request", "body": b""}]
    never = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not body:
            await never.wait()
        return body.pop()

    async def send(_message: object) -> None:
        """Nobody listens."""

    began = time.thread_time()
    await asyncio.create_task(application(scope, receive, send))
    spent_ms = (time.thread_time() - began) * 1000
    await asyncio.sleep(PAUSE_S)
    return spent_ms


@contextmanager
def every_request_by_chance() -> Iterator[None]:
    from loopwatch import site_monitor

    site_monitor._monitor.trace_rate = 1.0
    try:
        yield
    finally:
        site_monitor._monitor.trace_rate = 0.0


async def measure(application: Any, rounds: int) -> dict[str, list[float]]:
    from loopwatch.request_tracing.trace_token import make_token

    token = [(b"x-loopwatch-trace", make_token(3600, 2).encode())]
    spent: dict[str, list[float]] = {"as ever": [], "by chance": [], "after it": [], "on demand": [], "after that": []}
    for _ in range(rounds):
        spent["as ever"].append(await ask(application, []))
        with every_request_by_chance():
            spent["by chance"].append(await ask(application, []))
        spent["after it"].append(await ask(application, []))
        spent["on demand"].append(await ask(application, token))
        spent["after that"].append(await ask(application, []))
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=101)
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as folder:
        os.environ[site.DATABASE_VARIABLE] = f"{folder}/site.sqlite3"
        site.configure()
        from django.core.asgi import get_asgi_application

        from loopwatch.asgi import LoopWatch

        spent = asyncio.run(measure(LoopWatch(get_asgi_application()), rounds))
    print(f"Python {sys.version.split()[0]}, {rounds} rounds: CPU ms of the loop's thread")
    for name, values in spent.items():
        low, median, high = statistics.quantiles(values, n=4)
        print(f"{name:11} {median:6.2f}  {low:6.2f} to {high:6.2f}")


if __name__ == "__main__":
    main()
