"""Times the queue in front of one thread: how long each call waited, and which calls held the thread meanwhile."""

import _thread
import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loopwatch.detection.clock import now
from loopwatch.detection.in_flight import RequestInFlight, current_request
from loopwatch.thread_waits.thread_holders import ThreadHolder, ThreadHolders
from loopwatch.thread_waits.thread_wait import ThreadKind, ThreadWait
from loopwatch.thread_waits.work_name import name_of

ReportWait = Callable[[ThreadWait], None]


@dataclass(slots=True)
class Measurement:
    """What all queues have in common. Without ``report`` nothing is measured any more."""

    threshold_s: float
    ongoing_after_s: float
    report: ReportWait | None


class ThreadQueue:
    """Calls enter on the loop's thread. They begin and end on the thread that they wait for.

    While a call waits behind another one, the loop looks now and then whether it still does: a thread that is never
    given back must not go unnoticed.
    """

    __slots__ = (
        "_holders",
        "_is_looked_after",
        "_looked_at",
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
        self._is_looked_after = False
        self._looked_at: QueuedCall | None = None

    def enter(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """What to run in place of ``work``. On the loop's thread: a clock read, a look-up and a small object."""
        if self._measurement.report is None:
            return work
        call = QueuedCall(work, self)
        self.waiting.append(call)
        if not self._is_looked_after and (self.running is not None or len(self.waiting) > 1):
            self._look_again()
        return call

    def run(self, work: Callable[..., Any], request: RequestInFlight | None) -> None:
        """Have a call running that never entered. On the loop's thread, before the first that does."""
        self.running = QueuedCall(work, self)
        self.running.request = request

    def begin(self, call: "QueuedCall", started: float) -> None:
        """The thread is the call's own now, which waited for the threshold; reports it if others were the reason."""
        if self._measurement.report is None:
            return
        holder = self._holders.main_holder(call.submitted, started)
        if holder is not None:
            self._report(call, started, holder.name, holder.request, ongoing=False)

    def end(self, call: "QueuedCall", started: float) -> None:
        """The call gives the thread back, for which others wait."""
        self._holders.add(ThreadHolder(name_of(call.work), call.request, started, now()))

    def leave(self, call: "QueuedCall") -> None:
        """Whatever entered before it and has not begun never will: it was cancelled."""
        while self.waiting:
            if self.waiting.popleft() is call:
                break

    def _look_again(self) -> None:
        with suppress(RuntimeError):  # no loop runs here
            # In an empty context: the timer belongs to no request, and keeps none alive.
            asyncio.get_running_loop().call_later(self._measurement.ongoing_after_s, self._look, context=Context())
            self._is_looked_after = True

    def _look(self) -> None:
        """On the loop's thread, which hands over what there is to tell to a thread made for it: that is rare."""
        self._is_looked_after = False
        first, running, at = next(iter(self.waiting), None), self.running, now()
        is_dead = running is None and first is self._looked_at
        if first is None or is_dead or self._measurement.report is None:
            return  # a call that is dead was cancelled before it began
        self._looked_at = first
        if running is not None and at - first.submitted >= self._measurement.ongoing_after_s:
            with suppress(RuntimeError):  # no more threads
                _thread.start_new_thread(self._tell, (first, at, running))
        self._look_again()

    def _tell(self, waiting: "QueuedCall", at: float, running: "QueuedCall") -> None:
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
    """What an executor runs in place of the work it was handed: at little cost where nobody waits."""

    __slots__ = ("_queue", "request", "submitted", "work")

    def __init__(self, work: Callable[..., Any], queue: ThreadQueue) -> None:
        self.work = work
        self.submitted = now()
        self.request = current_request.get()
        self._queue = queue

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # asgiref hides its own frames from Django's error pages in this way
        started, queue = now(), self._queue
        if queue.waiting and queue.waiting.popleft() is not self:
            queue.leave(self)
        if queue.running is not None:  # it never entered, and is over; it began before anybody waited
            queue.end(queue.running, queue.running.submitted)
        queue.running = self
        if started - self.submitted >= queue.threshold_s:
            queue.begin(self, started)
        try:
            return self.work(*args, **kwargs)
        finally:
            queue.running = None
            if queue.waiting:  # or nobody will ask who held the thread
                queue.end(self, started)
