"""The log's word on a thread that is not given back: calls that wait for it still."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from loopwatch.escaping.log import log_text
from loopwatch.recording.sinks import LINE_INTERVAL_S
from loopwatch.recording.thread_waits import request_text
from loopwatch.thread_waits.thread_wait import ThreadWait

HOLDERS_REMEMBERED = 1_000

logger = logging.getLogger("loopwatch")


class ThreadWaitLog:
    """At most one line a minute for each call that holds a thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_line: OrderedDict[str, float] = OrderedDict()

    def tell(self, wait: ThreadWait) -> None:
        """Write the line if the wait goes on, and its holder was not told of just now."""
        now = self._clock()
        if not wait.ongoing or now - self._last_line.get(wait.held_by, -LINE_INTERVAL_S) < LINE_INTERVAL_S:
            return
        self._last_line[wait.held_by] = now
        self._last_line.move_to_end(wait.held_by)
        if len(self._last_line) > HOLDERS_REMEMBERED:
            self._last_line.popitem(last=False)
        line = (
            f"{wait.held_by} does not give back {_THREADS[wait.thread]} of sync_to_async{_for(wait)}: "
            f"a call has been waiting for {wait.waited_ms / 1000:.1f} s"
        )
        logger.warning("%s", log_text(line, 2000))


_THREADS = {"process": "the process's thread", "request": "the thread"}


def _for(wait: ThreadWait) -> str:
    name = request_text(wait.holder)
    return f" ({name})" if name else ""
