"""Times the queue of one thread: how long each call waited, and which calls held the thread meanwhile."""

import _thread
import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loopwatch.detection.machine.clock import now
from loopwatch.detection.timing.in_flight import RequestInFlight, current_request
from loopwatch.thread_waits.thread_holders import ThreadHolder, ThreadHolders
from loopwatch.thread_waits.thread_wait import ThreadKind, ThreadWait
from loopwatch.thread_waits.work_name import name_of

ReportWait = Callable[[ThreadWait], None]


@dataclass(slots=True)
class Measurement:
    """The settings that all queues share; setting ``report`` to ``None`` ends all measuring."""

    threshold_s: float
    ongoing_after_s: float
    report: ReportWait | None


class ThreadQueue:
    """The calls that wait for one thread. A call enters on the loop's thread; it begins and ends on the one it awaits.

    While a call waits behind another one, a timer of the loop checks repeatedly whether it still does, so that a thread
    that is never released is reported.
    """

    __slots__ = (
        "_first_at_last_check",
        "_holders",
        "_is_checked_later",
        "_measurement",
        "_thread",
        "running",
        "threshold_s",
        "waiting",
    )

    def __init__(self, thread: ThreadKind, measurement: Measurement) -> None:
        self._thread = thread
        self._measurement = measurement
        self.threshold_s = measurement.threshold_s
        self._holders = ThreadHolders()
        self.waiting: deque[QueuedCall] = deque()
        self.running: QueuedCall | None = None
        self._is_checked_later = False
        self._first_at_last_check: QueuedCall | None = None

    def enter(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return what to run instead of ``work``; costs the loop's thread a clock read, a look-up and an object."""
        if self._measurement.report is None:
            return work
        call = QueuedCall(work, self)
        self.waiting.append(call)
        if not self._is_checked_later and (self.running is not None or len(self.waiting) > 1):
            self._check_later()
        return call

    def run(self, work: Callable[..., Any], request: RequestInFlight | None) -> None:
        """Note as running a call that never entered. Runs on the loop's thread, before the first call enters."""
        self.running = QueuedCall(work, self)
        self.running.request = request

    def begin(self, call: "QueuedCall", started: float) -> None:
        """Report the wait of a call that has got the thread, if other calls held the thread meanwhile."""
        if self._measurement.report is None:
            return
        holder = self._holders.main_holder(call.submitted, started)
        if holder is not None:
            self._report(call, started, holder.name, holder.request, ongoing=False)

    def end(self, call: "QueuedCall", started: float) -> None:
        """Remember a call that releases the thread while others wait for it."""
        self._holders.add(ThreadHolder(name_of(call.work), call.request, started, now()))

    def leave(self, call: "QueuedCall") -> None:
        """Remove a call and those that entered before it: they have not begun, so they were cancelled."""
        while self.waiting:
            if self.waiting.popleft() is call:
                break

    def _check_later(self) -> None:
        with suppress(RuntimeError):  # no loop runs here
            # The empty context keeps the timer out of the current request, and lets that request be freed.
            asyncio.get_running_loop().call_later(self._measurement.ongoing_after_s, self._check, context=Context())
            self._is_checked_later = True

    def _check(self) -> None:
        """Check on the loop's thread whether the first call still waits; a new thread reports it, which is rare."""
        self._is_checked_later = False
        first, running, at = next(iter(self.waiting), None), self.running, now()
        is_cancelled = running is None and first is self._first_at_last_check
        if first is None or is_cancelled or self._measurement.report is None:
            return  # a call that waits for an idle thread was cancelled
        self._first_at_last_check = first
        if running is not None and at - first.submitted >= self._measurement.ongoing_after_s:
            with suppress(RuntimeError):  # no more threads
                _thread.start_new_thread(self._report_ongoing, (first, at, running))
        self._check_later()

    def _report_ongoing(self, waiting: "QueuedCall", at: float, running: "QueuedCall") -> None:
        self._report(waiting, at, name_of(running.work), running.request, ongoing=True)

    def _report(
        self, call: "QueuedCall", until: float, held_by: str, holder: RequestInFlight | None, *, ongoing: bool
    ) -> None:
        report = self._measurement.report
        if report is not None:
            report(
                ThreadWait(
                    began_at=datetime.now(UTC) - timedelta(seconds=now() - call.submitted),
                    waited_ms=(until - call.submitted) * 1000,
                    thread=self._thread,
                    held_by=held_by,
                    holder=holder.describe if holder else None,
                    waiter=call.request.describe if call.request else None,
                    ongoing=ongoing,
                )
            )


class QueuedCall:
    """Runs in an executor instead of the work that was submitted; costs little while no other call waits."""

    __slots__ = ("_queue", "request", "submitted", "work")

    def __init__(self, work: Callable[..., Any], queue: ThreadQueue) -> None:
        self.work = work
        self.submitted = now()
        self.request = current_request.get()
        self._queue = queue

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Django's error pages leave out a frame with this local variable (``django.views.debug``), as asgiref's have.
        __traceback_hide__ = True
        started, queue = now(), self._queue
        try:
            if queue.waiting and queue.waiting.popleft() is not self:
                queue.leave(self)
            if queue.running is not None:  # noted by ``run``, and over; it began before any call waited
                queue.end(queue.running, queue.running.submitted)
            queue.running = self
            if started - self.submitted >= queue.threshold_s:
                queue.begin(self, started)
        except (IndexError, RuntimeError):  # another thread of the same executor has changed the queue meanwhile
            pass
        try:
            return self.work(*args, **kwargs)
        finally:
            queue.running = None
            if queue.waiting:  # without a waiting call, the holder is never asked for
                queue.end(self, started)
