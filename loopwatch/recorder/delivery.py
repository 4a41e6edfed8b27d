"""Delivers calls, or changes of findings, one by one to code that may be slow, raise or hang.

Each delivery has its own thread and a bounded queue, so no other thread waits for that code. What finds the queue full
is dropped and counted.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from django.db import close_old_connections, connections, reset_queries

from loopwatch.detection.timing.own_work import own_work
from loopwatch.recorder.health import Errors

CALLS_LIMIT = 1_000

Call = TypeVar("Call")


class Delivery(Generic[Call]):
    """Calls ``deliver`` on its own thread for every call that is put. All methods are thread-safe.

    On the same thread, ``settle`` follows whenever the queue is empty, and ``close`` before the thread ends. Exceptions
    of the three functions are counted, and the first one is logged. ``dropped`` counts calls that found the queue full.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[Call], object],
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
        self._calls: deque[Call] = deque()
        self._taken = self._settled = 0
        self._running = False
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many calls have not been delivered yet."""
        return self._taken - self._settled

    def put(self, call: Call) -> None:
        """Add a call to the queue, without waiting."""
        with self._changed:
            if len(self._calls) >= CALLS_LIMIT:
                self.dropped += 1
                return
            self._calls.append(call)
            self._taken += 1
            self._changed.notify_all()
        with suppress(RuntimeError):  # no more threads; perhaps there are for the next call
            self._ensure_thread()

    def open(self) -> None:
        """Let the next ``put`` start the thread."""
        with self._changed:
            self._running = True

    def start(self) -> None:
        """Start to deliver, including calls that were put before.

        The thread starts at once, because from Python 3.12 on no thread can start while the interpreter shuts down.
        """
        self.open()
        self._ensure_thread()

    def flush(self, timeout_s: float) -> bool:
        """Wait until every call put so far is delivered. Returns False on timeout."""
        with self._changed:
            target = self._taken
            # On the delivery's own thread, this would wait for itself; without a thread, forever.
            if self._thread in {None, threading.current_thread()}:
                return self._settled >= target
            return self._changed.wait_for(lambda: self._settled >= target, timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """Stop after the current call; further calls stay in the queue. Returns False on timeout."""
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
            with suppress(Exception):  # drivers may raise if a connection is closed already
                connections.close_all()

    def _next(self) -> Call | None:
        """Wait for a call. Returns ``None`` when the thread must end."""
        with self._changed:
            self._changed.wait_for(lambda: self._calls or not self._running)
            if self._running:
                return self._calls.popleft()
            self._thread = None
            return None

    def _safely(self, act: Callable[[], object]) -> None:
        try:
            with own_work():
                act()
        except BaseException as error:  # noqa: BLE001 - even SystemExit or CancelledError must not end this thread
            with suppress(BaseException):  # nor may a handler of the site's log
                self._errors.log_foreign(self.name, error)
        with suppress(Exception):
            # The delivered code may have run queries, which Django remembers under DEBUG.
            close_old_connections()
            reset_queries()


def remaining_s(deadline: float) -> float:
    """Return the seconds until a moment of the monotonic clock, never negative."""
    return max(0.0, deadline - time.monotonic())
