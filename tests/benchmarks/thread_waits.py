"""Measures what timing thread waits costs a call of ``sync_to_async`` or ``asyncio.to_thread`` that does nothing.

``python -m tests.benchmarks.thread_waits [--rounds 101]`` makes such calls, with and without the hooks, in turns: one
after the other or, in a full executor, all at once. It prints the CPU time of the whole process per call, in
microseconds: the median without hooks, and the median of the differences between neighbouring rounds, with its error.
"""

import argparse
import asyncio
import statistics
import time

from asgiref.sync import ThreadSensitiveContext, sync_to_async

from loopwatch.thread_waits.asgiref_hooks import AsgirefHooks
from loopwatch.thread_waits.default_executors import DefaultExecutors
from tests.benchmarks.figures import figure

CALLS = 500


def nothing():
    """What is called."""


async def of_the_process() -> float:
    """CPU microseconds a call, in the process's thread."""
    call = sync_to_async(nothing)
    began = time.process_time()
    for _ in range(CALLS):
        await call()
    return (time.process_time() - began) / CALLS * 1e6


async def of_a_request() -> float:
    """The same in a thread of its own, as Django gives to every request."""
    async with ThreadSensitiveContext():
        return await of_the_process()


async def of_the_default_executor() -> float:
    """The same by ``asyncio.to_thread``, in any thread of the default executor."""
    began = time.process_time()
    for _ in range(CALLS):
        await asyncio.to_thread(nothing)
    return (time.process_time() - began) / CALLS * 1e6


async def of_a_full_executor() -> float:
    """The same with all calls submitted at once, so that most of them wait."""
    began = time.process_time()
    await asyncio.gather(*(asyncio.to_thread(nothing) for _ in range(CALLS)))
    return (time.process_time() - began) / CALLS * 1e6


async def measure(kind, rounds: int) -> tuple[list[float], list[float]]:
    """Without the hooks, and how much more with them."""
    asgiref, executors = AsgirefHooks(), DefaultExecutors()
    bare, more = [], []
    for _ in range(rounds):
        bare.append(await kind())
        asgiref.install(60, 60, print)
        executors.install(asyncio.get_running_loop(), 60, 60, print)
        more.append(await kind() - bare[-1])
        asgiref.uninstall()
        executors.uninstall_all()
    return bare, more


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=101)
    rounds = parser.parse_args().rounds
    for kind in (of_the_process, of_a_request, of_the_default_executor, of_a_full_executor):
        bare, more = asyncio.run(measure(kind, rounds))
        cost = figure(more)
        name = kind.__name__.replace("_", " ")
        print(f"{name}: {statistics.median(bare):.1f} µs a call, + {cost.median:.2f} ± {cost.error:.2f} µs")


if __name__ == "__main__":
    main()
