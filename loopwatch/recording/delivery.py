"""Hands calls, one after the other, to code that may be slow, raise or hang: with a thread and a queue of its own.

Whatever becomes of that code, nobody else waits for it: what there is no room for is counted and left out.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from django.db import close_old_connections, connections, reset_queries

from loopwatch.detection.calls import BlockingCall
from loopwatch.recording.health import Errors

CALLS_LIMIT = 1_000


class Delivery:
    """Calls ``deliver`` for every call that is put, on a thread of its own. All methods are thread-safe.

    Whenever no other call waits, ``settle`` follows on the same thread, and ``close`` before that ends. ``dropped``
    counts calls for which there was no room. What any of the three raises is logged once and counted.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[BlockingCall], object],
        errors: Errors,
        settle: Callable[[], object] = lambda: None,
        close: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self.dropped = 0
        self._deliver = deliver
        self._settle = settle
        self._close = close
        self._errors = errors
        self._changed = threading.Condition()
        self._calls: deque[BlockingCall] = deque()
        self._taken = self._settled = 0
        self._running = False
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Calls that have not been delivered yet."""
        return self._taken - self._settled

    def put(self, call: BlockingCall) -> None:
        """Take over a call, without waiting."""
        with self._changed:
            if len(self._calls) >= CALLS_LIMIT:
                self.dropped += 1
                return
            self._calls.append(call)
            self._taken += 1
            self._changed.notify_all()
        self._ensure_thread()

    def start(self) -> None:
        """Deliver what is put from now on, and what was put before.

        The thread begins at once: from Python 3.12 on, none can while the interpreter shuts down.
        """
        with self._changed:
            self._running = True
        self._ensure_thread()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything put so far is delivered; whether that was done in time."""
        with self._changed:
            target = self._taken
            # Delivered code that flushes would wait for itself; without a thread nobody delivers.
            if self._thread in {None, threading.current_thread()}:
                return self._settled >= target
            return self._changed.wait_for(lambda: self._settled >= target, timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """End the thread once it has delivered what it is at; whether that was done in time. The rest is kept."""
        with self._changed:
            self._running = False
            thread = self._thread
            self._changed.notify_all()
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _ensure_thread(self) -> None:
        with self._changed:
            is_alive = self._thread is not None and self._thread.is_alive()
            if self._running and not is_alive:
                thread = threading.Thread(target=self._run, name=f"loopwatch-{self.name}", daemon=True)
                thread.start()  # raises where there are no more threads
                self._thread = thread

    def _run(self) -> None:
        try:
            while (call := self._next()) is not None:
                self._safely(partial(self._deliver, call))
                if not self._calls:
                    self._safely(self._settle)
                with self._changed:
                    self._settled += 1
                    self._changed.notify_all()
        finally:
            self._safely(self._close)
            connections.close_all()

    def _next(self) -> BlockingCall | None:
        """Wait for a call; ``None`` when the thread is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._calls or not self._running)
            if self._running:
                return self._calls.popleft()
            self._thread = None
            return None

    def _safely(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - even SystemExit or CancelledError must not end this thread
            self._errors.log_foreign(self.name, error)
        with suppress(Exception):
            # It may have asked the database; under DEBUG every query is remembered.
            close_old_connections()
            reset_queries()


def remaining_s(deadline: float) -> float:
    """Seconds until a moment of the monotonic clock, never negative."""
    return max(0.0, deadline - time.monotonic())
