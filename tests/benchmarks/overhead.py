"""What both engines cost, beside bare asyncio and asyncio's debug mode.

``python -m tests.benchmarks.overhead`` prints nanoseconds a loop callback and the ratio of a Django async request,
served in process; ``--idle`` adds the CPU time of an idle process over 30 s. What is measured is CPU time of the whole
process, in short rounds that run all variants one after the other, so that a noisy machine disturbs them alike. Shown
are the medians over the rounds, with the middle half of them.
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"

import django
from django.core.handlers.asgi import ASGIHandler

from loopwatch import watch

STEPS = 2_000
REQUESTS = 20

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/ok/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "http_version": "1.1",
    "scheme": "http",
}


async def steps(_application: Any) -> float:
    """CPU seconds for a callback of the loop, all threads included."""
    begin = time.process_time()
    for _ in range(STEPS):
        await asyncio.sleep(0)
    return (time.process_time() - begin) / STEPS


async def requests(application: Any) -> float:
    """CPU seconds for a request, all threads included."""

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        if received:
            await asyncio.Event().wait()
        received.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: dict[str, Any]) -> None:
        pass

    begin = time.process_time()
    for _ in range(REQUESTS):
        received: list[bool] = []
        await asyncio.create_task(application(dict(SCOPE), receive, send))
    return (time.process_time() - begin) / REQUESTS


Work = Callable[[Any], Coroutine[Any, Any, float]]


def run(
    work: Work, application: Any, watching: AbstractContextManager[Any], *, debug: bool = False, warm: int = 1
) -> float:
    async def main() -> float:
        with watching:
            for _ in range(warm):
                await work(application)
            return await work(application)

    return asyncio.run(main(), debug=debug)


def variants(application: Any) -> dict[str, Callable[[Work], float]]:
    from loopwatch.asgi import LoopWatch
    from loopwatch.monitoring import monitoring

    def wrapped(work: Work) -> float:
        try:
            return run(work, LoopWatch(application), nullcontext())
        finally:
            monitoring.stop()

    return {
        "bare asyncio": lambda work: run(work, application, nullcontext()),
        "loopwatch, watch()": lambda work: run(work, application, watch(threshold_ms=50)),
        "loopwatch, tracing": lambda work: run(work, application, watch(threshold_ms=50, engine="tracing"), warm=15),
        "loopwatch, LoopWatch()": wrapped,
        "asyncio debug mode": lambda work: run(work, application, nullcontext(), debug=True),
    }


def spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:10.2f}   ({low:.2f} to {high:.2f})"


def compare(title: str, work: Work, rounds: int, show: Callable[[float, float], float]) -> None:
    print(f"\n{title}")
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, variant in variants(ASGIHandler()).items():
            seconds.setdefault(name, []).append(variant(work))
    bare = seconds["bare asyncio"]
    for name, measured in seconds.items():
        print(f"  {name:24}", spread([show(value, base) for value, base in zip(measured, bare, strict=True)]))


def idle(seconds: float) -> None:
    """CPU seconds of the whole process while a watched loop sleeps."""

    async def main() -> float:
        with watch(threshold_ms=50):
            await asyncio.sleep(1)
            begin = time.process_time()
            await asyncio.sleep(seconds)
            return time.process_time() - begin

    print(f"\nIdle for {seconds:.0f} s: {asyncio.run(main()) / seconds * 100:.3f} % of a core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=201)
    parser.add_argument("--idle", action="store_true")
    arguments = parser.parse_args()
    django.setup()
    print(f"Python {platform.python_version()}, Django {django.__version__}, {arguments.rounds} rounds")
    compare("Nanoseconds a loop callback, over bare asyncio", steps, arguments.rounds, lambda a, b: (a - b) * 1e9)
    compare("A Django async view, in process: ratio to bare", requests, arguments.rounds, lambda a, b: a / b)
    if arguments.idle:
        idle(30)


if __name__ == "__main__":
    sys.exit(main())
