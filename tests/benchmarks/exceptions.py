"""What an exception costs in code that no traced request runs, while a request is traced.

``python -m tests.benchmarks.exceptions [--rounds 101]`` raises exceptions through three functions and catches them, in
turns without a traced request, with one, and with one for which the interpreter reports the exceptions of all code, as
Python before 3.15 has to. Printed is the CPU time of the thread for each exception, in nanoseconds: the median without,
and the medians of the differences between neighbouring rounds, with their errors.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from loopwatch import watch
from loopwatch.detection import monitor
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight, current_request
from loopwatch.detection.tracing.monitoring_tools import TIMER
from loopwatch.detection.tracing.traced_requests import RequestTracing
from tests.benchmarks.figures import figure

EXCEPTIONS = 20_000


def raises() -> None:
    raise KeyError


def lets_through() -> None:
    raises()


def lets_through_again() -> None:
    lets_through()


async def exceptions() -> float:
    """CPU nanoseconds for each."""
    began = time.thread_time()
    for _ in range(EXCEPTIONS):
        try:  # noqa: SIM105 - which is Python code with exceptions of its own
            lets_through_again()
        except KeyError:
            pass
    return (time.thread_time() - began) / EXCEPTIONS * 1e9


async def serve(is_over: asyncio.Event) -> None:
    """A request that is traced until it is over, and meanwhile waits."""
    request = RequestInFlight(InFlight(), lambda: Request("http"))
    current_request.set(request)
    request.resume()
    assert monitor.trace_request(asyncio.get_running_loop(), RequestTracing(request), [])
    await is_over.wait()
    request.finish()


@contextlib.contextmanager
def exceptions_of_all_code() -> Iterator[None]:
    monitoring = sys.monitoring
    tool = next(tool for tool in range(6) if monitoring.get_tool(tool) == TIMER)
    before = monitoring.get_events(tool)
    monitoring.set_events(tool, before | monitoring.events.PY_UNWIND | monitoring.events.PY_THROW)
    yield
    monitoring.set_events(tool, before)


async def during_a_request(surroundings: Callable[[], contextlib.AbstractContextManager[None]]) -> float:
    is_over = asyncio.Event()
    request = asyncio.create_task(serve(is_over))
    await asyncio.sleep(0)
    with surroundings():
        spent = await asyncio.create_task(exceptions())
    is_over.set()
    await request
    assert monitor.settle(30)
    return spent


async def measure(rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Without a traced request, how much more with one, and with one for which exceptions of all code are reported."""
    bare, more, everywhere = [], [], []
    with watch(threshold_ms=60_000):
        for _ in range(rounds):
            bare.append(await asyncio.create_task(exceptions()))
            more.append(await during_a_request(contextlib.nullcontext) - bare[-1])
            everywhere.append(await during_a_request(exceptions_of_all_code) - bare[-1])
    return bare, more, everywhere


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=101)
    bare, *more = asyncio.run(measure(parser.parse_args().rounds))
    print(f"Python {sys.version.split()[0]}: {statistics.median(bare):.0f} ns an exception")
    for name, differences in zip(("a traced request", "with the exceptions of all code"), more, strict=True):
        cost = figure(differences)
        print(f"{name}: {cost.median:+.0f} ± {cost.error:.0f} ns")


if __name__ == "__main__":
    main()
