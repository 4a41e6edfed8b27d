"""Runs a function on a new thread while the loop goes on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec

Arguments = ParamSpec("Arguments")


async def beside_the_loop(
    function: Callable[Arguments, object], /, *args: Arguments.args, **named: Arguments.kwargs
) -> None:
    """Run a function that stops watching. Where the process can start no thread, its end writes everything.

    The loop's own executor is not used: its threads may be held by calls that never end.
    """
    executor = ThreadPoolExecutor(1, "loopwatch-stop")
    try:
        await asyncio.get_running_loop().run_in_executor(executor, lambda: function(*args, **named))
        executor.shutdown()  # at once, because its thread has nothing more to do
    except RuntimeError:  # no more threads
        pass
    finally:
        executor.shutdown(wait=False)
