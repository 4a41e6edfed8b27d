"""Logs calls still waiting for a held thread, or for a full default executor."""

import time
from collections.abc import Callable

from loopwatch.detection.loggers import logger_of
from loopwatch.escaping.log import log_text
from loopwatch.recorder.log_throttle import LogThrottle
from loopwatch.recorder.thread_waits import request_text
from loopwatch.thread_waits.thread_wait import ThreadWait

logger = logger_of()


class ThreadWaitLog:
    """Logs at most one line a minute for each call that holds a thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = LogThrottle(clock)

    def log(self, wait: ThreadWait) -> None:
        """Write a line if the wait is ongoing and its holder was not logged within the last minute."""
        if not wait.ongoing or self._throttle.left_out(wait.held_by) is None:
            return
        logger.warning("%s", log_text(_full_executor(wait) if wait.thread == "executor" else _held_thread(wait), 2000))


def _held_thread(wait: ThreadWait) -> str:
    return (
        f"{wait.held_by} still holds {_THREADS[wait.thread]}{_for(wait)}: "
        f"a call has been waiting for {wait.waited_ms / 1000:.1f} s"
    )


def _full_executor(wait: ThreadWait) -> str:
    """Say what keeps the threads busy, and that the event loop is free: a full executor looks like a blocked loop."""
    busy, (main, *others) = "thread is" if wait.threads == 1 else f"{wait.threads} threads are", wait.held
    calls = "1 call has" if wait.waiting == 1 else f"{wait.waiting} calls have"
    held = [f"{main.threads} with {main.name}{_for(wait)}", *(f"{each.threads} with {each.name}" for each in others)]
    return (
        f"The default executor's {busy} still busy: {', '.join(held)}. "
        f"{calls} been waiting, for at most {wait.waited_ms / 1000:.1f} s; the event loop is not blocked"
    )


_THREADS = {"process": "the process's sync_to_async thread", "request": "the sync_to_async thread of a request"}


def _for(wait: ThreadWait) -> str:
    name = request_text(wait.holder)
    return f" ({name})" if name else ""
