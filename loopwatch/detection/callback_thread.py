"""Runs a ``watch()`` block's callback on a thread of its own, so that a slow one holds nobody else up."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.loggers import logger_of

logger = logger_of()

MAX_PENDING = 10_000


class CallbackThread:
    """Calls ``callback`` once for every report, in order. It starts its thread with the first one."""

    def __init__(self, callback: Callable[[BlockingCall], object]) -> None:
        self.failures = 0
        self.dropped = 0
        self._callback = callback
        self._pending: queue.Queue[BlockingCall | None] = queue.Queue(MAX_PENDING)
        self._thread: threading.Thread | None = None

    def put(self, call: BlockingCall) -> None:
        try:
            self._pending.put_nowait(call)
        except queue.Full:
            self.dropped += 1
        self._ensure_thread()

    def finish(self, timeout_s: float) -> bool:
        """Wait until everything put so far has been delivered, and end the thread; false if that took too long."""
        if self._thread is threading.current_thread() or (self._thread is None and self._pending.empty()):
            return True
        self._ensure_thread()
        if self._thread is None:
            return False
        try:
            self._pending.put(None, timeout=timeout_s)
        except queue.Full:
            return False
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _ensure_thread(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="loopwatch-delivery", daemon=True)
            with suppress(RuntimeError):  # no room for one more thread; perhaps there is at the next call
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while (call := self._pending.get()) is not None:
            try:
                self._callback(call)
            except BaseException:  # not even SystemExit may keep the other calls from being delivered
                self.failures += 1
                if self.failures == 1:
                    logger.exception(
                        "The on_blocking_call callback %r raised; further errors of it are only counted", self._callback
                    )
