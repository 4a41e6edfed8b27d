"""Runs the callback of a ``watch()`` block on a separate thread, so that a slow one delays no other report."""

import inspect
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.timing.own_work import own_work

logger = logger_of()

MAX_PENDING = 10_000


def is_coroutine_function(callback: object) -> bool:
    """Return whether calling this only makes a coroutine, which would never be awaited."""
    call = getattr(type(callback), "__call__", None)  # noqa: B004 - the method, not whether there is one
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call)


class CallbackThread:
    """Calls ``callback`` once for each report, in order. The first report starts the thread."""

    def __init__(self, callback: Callable[[BlockingCall], object]) -> None:
        self.failures = 0
        self._callback = callback
        self._pending: queue.Queue[BlockingCall | None] = queue.Queue(MAX_PENDING)
        self._thread: threading.Thread | None = None

    def put(self, call: BlockingCall) -> bool:
        """Have a report delivered. Returns false if too many are waiting."""
        try:
            self._pending.put_nowait(call)
        except queue.Full:
            return False
        finally:
            self._ensure_thread()
        return True

    def finish(self, timeout_s: float) -> bool:
        """Wait until every report so far is delivered, and end the thread. Returns false after ``timeout_s``.

        Where no thread can be started, the calling thread delivers the reports.
        """
        if self._thread is threading.current_thread() or (self._thread is None and self._pending.empty()):
            return True
        self._ensure_thread()
        if self._thread is None:
            while not self._pending.empty():
                self._deliver(self._pending.get_nowait())
            return True
        try:
            self._pending.put(None, timeout=timeout_s)
        except queue.Full:
            return False
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _ensure_thread(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="loopwatch-delivery", daemon=True)
            with suppress(RuntimeError):  # the process can start no thread now; the next call tries again
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while (call := self._pending.get()) is not None:
            self._deliver(call)

    def _deliver(self, call: BlockingCall | None) -> None:
        if call is None:
            return
        try:
            with own_work():
                self._callback(call)
        except BaseException:  # even after SystemExit the other calls are delivered
            self.failures += 1
            if self.failures == 1:
                logger.exception(
                    "The on_blocking_call callback %r raised; further errors of it are only counted", self._callback
                )
