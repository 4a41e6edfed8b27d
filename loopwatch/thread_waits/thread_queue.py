"""Times the queue of a thread or of a pool: how long each call waited, and which calls held the threads meanwhile."""

import _thread
import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from weakref import ref

from loopwatch.detection.machine.clock import NEVER, now
from loopwatch.detection.timing.in_flight import RequestInFlight, WorkForRequest, current_request
from loopwatch.thread_waits.attribution import REMEMBERED, Attribution, ThreadHolder, attribute
from loopwatch.thread_waits.listening import hand_over
from loopwatch.thread_waits.pool_size import pool_size
from loopwatch.thread_waits.thread_wait import ThreadKind, ThreadWait
from loopwatch.thread_waits.work_name import name_of

SAME = 0.1
"""Waits are almost the same if their beginnings and their ends differ by less than this share of their time."""
ReportWait = Callable[[ThreadWait], None]


@dataclass(slots=True)
class Measurement:
    """The settings that queues share; setting ``report`` to ``None`` ends all measuring."""

    threshold_s: float
    ongoing_after_s: float
    report: ReportWait | None


class ThreadQueue:
    """The calls that wait for one thread, or for any thread of a pool, in the order in which they are to begin.

    A call enters on the loop's thread; it begins and ends on one that it waited for. While a call waits behind another
    one, a timer of the loop checks repeatedly whether it still waits, so that a thread that is never released is
    reported.
    """

    __slots__ = (
        "_checking_loop",
        "_ended",
        "_first_at_last_check",
        "_latest",
        "_lock",
        "_measurement",
        "_thread",
        "_threads",
        "_unentered",
        "running",
        "unfinished",
        "waiting",
    )

    def __init__(self, thread: ThreadKind, measurement: Measurement) -> None:
        self._thread = thread
        self._measurement = measurement
        self._threads: int | None = None if thread == "executor" else 1
        self._ended: deque[ThreadHolder] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()
        self._latest: tuple[float, float, Attribution | None] = (NEVER, NEVER, None)
        self._unentered: QueuedCall | None = None
        self.waiting: deque[QueuedCall] = deque()
        self.running: set[QueuedCall] = set()
        self.unfinished: set[QueuedCall] = set()
        """All calls that wait or run. A call that begins is for a moment in ``waiting`` and in ``running``."""
        self._checking_loop: ref[asyncio.AbstractEventLoop] | None = None
        self._first_at_last_check: QueuedCall | None = None

    def enter(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return what to run instead of ``work``; costs the loop's thread a clock read, a look-up and an object."""
        if self._measurement.report is None:
            return work
        call = QueuedCall(work, self)
        self.waiting.append(call)
        self.unfinished.add(call)
        call.unfinished = len(self.unfinished)
        if call.unfinished > 1 and not self._is_checked_later:
            self._check_later()
        return call

    @property
    def _is_checked_later(self) -> bool:
        """Whether a timer is to check, on a loop that still runs. Several loops may use the thread of the process."""
        loop = None if self._checking_loop is None else self._checking_loop()
        return loop is not None and loop.is_running()

    def run(self, work: Callable[..., Any], request: RequestInFlight | None) -> None:
        """Note as running a call that never entered. Runs on the loop's thread, before the first call enters."""
        call = QueuedCall(work, self)
        call.request = request
        self._unentered = call
        self.running.add(call)
        self.unfinished.add(call)

    def begin(self, call: "QueuedCall") -> bool:
        """Note that a call has got a thread, and report its wait if others held all threads meanwhile.

        Returns false if measuring has ended. Then no lock is taken, because in a forked child it may never be released.
        """
        if self._measurement.report is None:
            return False
        call.began = now()
        if self._unentered is not None:  # it is over; the call that begins waited for it
            self.end(self._unentered)
            self._unentered = None
        self._leave(call)
        if self._threads is None:
            self._threads = pool_size()
        if call.began - call.submitted >= self._measurement.threshold_s:
            self._report_ended(call)
        return True

    def end(self, call: "QueuedCall") -> None:
        """Note that a call releases its thread, and remember the call if others wait; otherwise no wait involves it."""
        if not self.waiting or self._measurement.report is None:
            self.running.discard(call)
            self.unfinished.discard(call)
            return
        holder = call.holder(now())
        with self._lock:
            self.running.discard(call)
            self.unfinished.discard(call)
            _oldest = self._ended[0] if self._ended else None  # destroys its request after the lock is released
            self._ended.append(holder)

    def withdraw(self, call: "QueuedCall") -> None:
        """Remove a call that the executor has refused, or runs in another process."""
        self.unfinished.discard(call)
        with suppress(ValueError, IndexError):  # it has left, or another thread removes calls meanwhile
            self.waiting.remove(call)

    def _leave(self, call: "QueuedCall") -> None:
        """Move a call that begins to the running ones; remove those that entered before it and were cancelled.

        The threads of a pool may begin their calls in another order than they took them. A call that was mistaken for a
        cancelled one is added again when it begins.
        """
        left = []  # destroys a cancelled call after the lock is released, because the site's ``__del__`` may wait
        with self._lock, suppress(IndexError):  # the last waiting call may be withdrawn between the check and the look
            self.running.add(call)
            self.unfinished.add(call)
            while self.waiting and self.waiting[0].submitted <= call.submitted:
                left.append(self.waiting.popleft())
                if left[-1] not in self.running:
                    self.unfinished.discard(left[-1])

    def _check_later(self) -> None:
        with suppress(RuntimeError, TypeError):  # no loop runs here, or a loop of the site takes no context
            loop = asyncio.get_running_loop()
            # The empty context keeps the timer out of the current request, and lets that request be freed.
            loop.call_later(self._measurement.ongoing_after_s, self._check, ref(loop), context=Context())
            self._checking_loop = ref(loop)

    def _check(self, loop: "ref[asyncio.AbstractEventLoop]") -> None:
        """Check on the loop's thread whether the first call still waits; a new thread reports it, which is rare."""
        if loop != self._checking_loop:
            return  # this loop has paused, and another one checks
        self._checking_loop = None
        try:
            first = self.waiting[0]
        except IndexError:
            return
        is_cancelled = not self.running and first is self._first_at_last_check
        if is_cancelled or self._measurement.report is None:
            return  # a call that waits for an idle thread was cancelled
        self._first_at_last_check = first
        if self.running and now() - first.submitted >= self._measurement.ongoing_after_s:
            with suppress(RuntimeError):  # no more threads
                _thread.start_new_thread(self._report_ongoing, (first, now()))
        self._check_later()

    def _report_ongoing(self, call: "QueuedCall", at: float) -> None:
        call.unfinished = max(call.unfinished, len(self.unfinished))
        self._report(call, at, ongoing=True)

    def _report_ended(self, call: "QueuedCall") -> None:
        if self._thread == "executor":
            self._threads = pool_size()  # the site may have set another executor
        self._report(call, call.began, ongoing=False)

    def _report(self, call: "QueuedCall", until: float, *, ongoing: bool) -> None:
        report, threads = self._measurement.report, self._threads
        if report is None or not threads or call.unfinished <= threads:  # the call had a thread, and waited for a CPU
            return
        attribution = self._attribution(call, until, threads)
        if attribution is None:
            return
        wait = ThreadWait(
            began_at=datetime.now(UTC) - timedelta(seconds=now() - call.submitted),
            waited_ms=(until - call.submitted) * 1000,
            thread=self._thread,
            held=attribution.held,
            holder=attribution.request.describe if attribution.request else None,
            waiter=call.request.describe if call.request else None,
            threads=threads,
            waiting=call.unfinished - threads,
            ongoing=ongoing,
        )
        report(wait)
        hand_over(call.request, wait)

    def _attribution(self, call: "QueuedCall", until: float, threads: int) -> Attribution | None:
        """Attribute a wait; a wait at almost the same time as the latest one has the same holders.

        In an overload, many short calls wait, and attributing each of them would take longer than the calls.
        """
        begun, ended_at, latest = self._latest
        if max(abs(call.submitted - begun), abs(until - ended_at)) < SAME * (until - call.submitted):
            return latest
        with self._lock:
            ended, running = self._ended.copy(), self.running - {call}
        others = [each.holder(until) for each in running]
        attribution = attribute(ended, others, call.submitted, until, threads)
        self._latest = call.submitted, until, attribution
        return attribution


class QueuedCall(WorkForRequest):
    """Runs in an executor instead of the work that was submitted; costs little while no other call waits."""

    __slots__ = ("_name", "_queue", "began", "submitted", "unfinished", "work")

    def __init__(self, work: Callable[..., Any], queue: ThreadQueue) -> None:
        self.work = work
        self.submitted = self.began = now()
        self.request = current_request.get()
        self.unfinished = 1
        """How many calls of the queue had not ended when this one was submitted, including it."""
        self._queue = queue
        self._name: str | None = None

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the work: an executor of the site may ask for one, such as the name for a log."""
        return getattr(self.work, name)

    def holder(self, until: float) -> ThreadHolder:
        """Return this call as a holder of a thread until that moment."""
        if self._name is None:
            self._name = name_of(self.work)
        return ThreadHolder(self._name, self.request, self.began, until)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Django's error pages leave out a frame with this local variable (``django.views.debug``), as asgiref's have.
        __traceback_hide__ = True
        queue = self._queue
        if not queue.begin(self):
            return self.work(*args, **kwargs)
        try:
            return self.work(*args, **kwargs)
        finally:
            queue.end(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the work alone: uvloop accepts a pool of processes as the default executor."""
        self._queue.withdraw(self)
        return partial, (self.work,)
