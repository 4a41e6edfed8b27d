"""Runs a function on a new thread while the loop goes on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec

Arguments = ParamSpec("Arguments")


async def beside_the_loop(
    function: Callable[Arguments, object], /, *args: Arguments.args, **named: Arguments.kwargs
) -> bool:
    """Run a function that stops watching. Returns false, without running it, if the process can start no thread.

    The loop's own executor is not used: its threads may be held by calls that never end.
    """
    executor = ThreadPoolExecutor(1, "loopwatch-stop")
    try:
        running = asyncio.get_running_loop().run_in_executor(executor, lambda: function(*args, **named))
    except RuntimeError:  # no more threads; the end of the process writes everything
        return False
    try:
        with suppress(RuntimeError):  # the function could start no thread
            await running
        executor.shutdown()  # at once, because its thread has nothing more to do
    finally:
        executor.shutdown(wait=False)
    return True
