"""What measuring thread waits costs a call of ``sync_to_async`` that does nothing.

``python -m tests.benchmarks.thread_waits [--rounds 101]`` makes such calls, one after the other, with and without the
hooks, in turns. Printed is the CPU time of the whole process a call, in microseconds: the median without, and the
median of the differences between neighbouring rounds, with its error.
"""

import argparse
import asyncio
import statistics
import time

from asgiref.sync import ThreadSensitiveContext, sync_to_async

from loopwatch.thread_waits.asgiref_hooks import AsgirefHooks
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


async def measure(kind, rounds: int) -> tuple[list[float], list[float]]:
    """Without the hooks, and how much more with them."""
    hooks = AsgirefHooks()
    bare, more = [], []
    for _ in range(rounds):
        bare.append(await kind())
        hooks.install(60, 60, print)
        more.append(await kind() - bare[-1])
        hooks.uninstall()
    return bare, more


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=101)
    rounds = parser.parse_args().rounds
    for kind in (of_the_process, of_a_request):
        bare, more = asyncio.run(measure(kind, rounds))
        cost = figure(more)
        name = kind.__name__.replace("_", " ")
        print(f"{name}: {statistics.median(bare):.1f} µs a call, + {cost.median:.2f} ± {cost.error:.2f} µs")


if __name__ == "__main__":
    main()
