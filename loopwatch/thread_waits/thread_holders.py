"""Remembers which calls held a thread, and finds the one that a wait is attributed to."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from loopwatch.detection.timing.in_flight import RequestInFlight

REMEMBERED = 256
"""More would explain the waits of longer queues, and take longer to search."""


@dataclass(frozen=True, slots=True)
class ThreadHolder:
    """A call that held the thread, with times of ``loopwatch.detection.machine.clock``."""

    name: str
    request: RequestInFlight | None
    started: float
    ended: float


class ThreadHolders:
    """The latest holders of one thread; only that thread may call the methods."""

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: deque[ThreadHolder] = deque(maxlen=REMEMBERED)

    def add(self, holder: ThreadHolder) -> None:
        """Remember a call that has released the thread."""
        self._latest.append(holder)

    def main_holder(self, since: float, until: float) -> ThreadHolder | None:
        """Return the longest run of the call that held the thread most; ``None`` if the thread was mostly free.

        A call that waits for a free thread waits for a CPU, for the GIL, or for the thread to start.
        """
        shares = list(self._shares(since))
        if not shares:
            return None
        is_forgotten = len(self._latest) == REMEMBERED and self._latest[0].started > since
        if not is_forgotten and sum(held for held, _ in shares) < (until - since) / 2:
            return None
        totals = defaultdict[str, float](float)
        for held, holder in shares:
            totals[holder.name] += held
        name = max(totals, key=lambda name: totals[name])
        return max((share for share in shares if share[1].name == name), key=lambda share: share[0])[1]

    def _shares(self, since: float) -> Iterator[tuple[float, ThreadHolder]]:
        """Yield how many seconds each call held the thread since then, latest first."""
        for holder in reversed(self._latest):
            if holder.ended <= since:
                return
            yield holder.ended - max(holder.started, since), holder
