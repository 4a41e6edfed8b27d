"""Which calls held one thread lately, and which of them a wait is put down to."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from loopwatch.detection.in_flight import RequestInFlight

REMEMBERED = 256
"""The more are remembered, the longer a queue can be explained, and the longer that takes."""


@dataclass(frozen=True, slots=True)
class ThreadHolder:
    """A call that had the thread; moments of ``loopwatch.detection.clock``."""

    name: str
    request: RequestInFlight | None
    started: float
    ended: float


class ThreadHolders:
    """The latest holdings of one thread, which alone uses this."""

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: deque[ThreadHolder] = deque(maxlen=REMEMBERED)

    def add(self, holder: ThreadHolder) -> None:
        """Note a call that has given the thread back."""
        self._latest.append(holder)

    def main_holder(self, since: float, until: float) -> ThreadHolder | None:
        """The longest holder of the call that held the thread most; ``None`` if it was free for most of the time.

        What waited then waited for a CPU or the GIL, or for the thread to be started in the first place.
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
        """How long each call held the thread since then, in seconds, the latest first."""
        for holder in reversed(self._latest):
            if holder.ended <= since:
                return
            yield holder.ended - max(holder.started, since), holder
