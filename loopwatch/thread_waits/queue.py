"""Times the queue in front of one thread: how long each call waited, and which calls held the thread meanwhile."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loopwatch.detection.clock import now
from loopwatch.detection.in_flight import RequestInFlight, current_request
from loopwatch.thread_waits.names import name_of
from loopwatch.thread_waits.thread_wait import Thread, ThreadWait

HOLDINGS_REMEMBERED = 256
"""The more are remembered, the longer a queue can be explained, and the longer that takes."""

Report = Callable[[ThreadWait], None]


@dataclass(slots=True)
class Watch:
    """What all queues have in common. Without ``report`` nothing is measured any more."""

    threshold_s: float
    report: Report | None


@dataclass(frozen=True, slots=True)
class Holding:
    """A call that had the thread; moments of ``loopwatch.detection.clock``."""

    name: str
    request: RequestInFlight | None
    started: float
    ended: float


class ThreadQueue:
    """Calls enter on any thread; everything else happens on the thread that they wait for."""

    __slots__ = ("_holdings", "_thread", "_watch")

    def __init__(self, thread: Thread, watch: Watch) -> None:
        self._thread = thread
        self._watch = watch
        self._holdings: deque[Holding] = deque(maxlen=HOLDINGS_REMEMBERED)

    def enter(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """What to run in place of ``work``. On the loop's thread: a clock read, a look-up and a small object."""
        return QueuedCall(work, self) if self._watch.report is not None else work

    def begin(self, call: "QueuedCall", started: float) -> None:
        """The thread is the call's own now; reports it if it waited for the threshold, and others were the reason."""
        report = self._watch.report
        if report is None or started - call.submitted < self._watch.threshold_s:
            return
        holding = self._culprit(call.submitted, started)
        if holding is not None:
            report(
                ThreadWait(
                    began_at=datetime.now(UTC) - timedelta(seconds=started - call.submitted),
                    waited_ms=(started - call.submitted) * 1000,
                    thread=self._thread,
                    held_by=holding.name,
                    holder=holding.request.describe if holding.request else None,
                    waiter=call.request.describe if call.request else None,
                )
            )

    def end(self, call: "QueuedCall", started: float) -> None:
        """The call gives the thread back."""
        self._holdings.append(Holding(name_of(call.work), call.request, started, now()))

    def _culprit(self, since: float, until: float) -> Holding | None:
        """The longest holding of the call that held the thread most; ``None`` if it was free for most of the time.

        It may wait for a CPU or the GIL then, or be started in the first place.
        """
        shares = list(self._shares(since))
        if not shares:
            return None
        is_forgotten = len(self._holdings) == HOLDINGS_REMEMBERED and self._holdings[0].started > since
        if not is_forgotten and sum(held for held, _ in shares) < (until - since) / 2:
            return None
        totals = defaultdict[str, float](float)
        for held, holding in shares:
            totals[holding.name] += held
        name = max(totals, key=lambda name: totals[name])
        return max((share for share in shares if share[1].name == name), key=lambda share: share[0])[1]

    def _shares(self, since: float) -> Iterator[tuple[float, Holding]]:
        """How long each call held the thread since then, in seconds, the latest first."""
        for holding in reversed(self._holdings):
            if holding.ended <= since:
                return
            yield holding.ended - max(holding.started, since), holding


class QueuedCall:
    """What an executor runs in place of the work it was handed."""

    __slots__ = ("_queue", "request", "submitted", "work")

    def __init__(self, work: Callable[..., Any], queue: ThreadQueue) -> None:
        self.work = work
        self.submitted = now()
        self.request = current_request.get()
        self._queue = queue

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        started = now()
        self._queue.begin(self, started)
        try:
            return self.work(*args, **kwargs)
        finally:
            self._queue.end(self, started)
