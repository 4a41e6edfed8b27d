"""Waits for what happens in another thread or process: for the thing itself, and never permanently."""

import asyncio
import inspect
import time

WITHIN_S = 60
PAUSE_S = 0.01


class TooLateError(AssertionError):
    """What a test waits for does not happen."""


def wait_until(condition, *, within_s=WITHIN_S, otherwise=lambda: ""):
    """Wait until ``condition()`` is true and return its value; fail with the text of ``otherwise()`` after a while."""
    deadline = time.monotonic() + within_s
    while not (fulfilled := condition()):
        if time.monotonic() > deadline:
            raise TooLateError(f"Not within {within_s} s. {otherwise()}")
        time.sleep(PAUSE_S)
    return fulfilled


async def until(condition, *, within_s=WITHIN_S, otherwise=lambda: ""):
    """Do the same while the event loop runs; ``condition`` may be a coroutine function."""
    deadline = time.monotonic() + within_s
    while not (fulfilled := await _result(condition)):
        if time.monotonic() > deadline:
            raise TooLateError(f"Not within {within_s} s. {otherwise()}")
        await asyncio.sleep(PAUSE_S)
    return fulfilled


async def _result(condition):
    result = condition()
    return await result if inspect.isawaitable(result) else result
