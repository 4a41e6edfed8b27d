"""Which calls held one thread lately, and which of them a wait is put down to."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from loopwatch.detection.in_flight import RequestInFlight

REMEMBERED = 256
"""The more are remembered, the longer a queue can be explained, and the longer that takes."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A call that had the thread; moments of ``loopwatch.detection.clock``."""

    name: str
    request: RequestInFlight | None
    started: float
    ended: float


class Holdings:
    """The latest holdings of one thread, which alone uses this."""

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: deque[Holding] = deque(maxlen=REMEMBERED)

    def add(self, holding: Holding) -> None:
        """Note a call that has given the thread back."""
        self._latest.append(holding)

    def culprit(self, since: float, until: float) -> Holding | None:
        """The longest holding of the call that held the thread most; ``None`` if it was free for most of the time.

        What waited then waited for a CPU or the GIL, or for the thread to be started in the first place.
        """
        shares = list(self._shares(since))
        if not shares:
            return None
        is_forgotten = len(self._latest) == REMEMBERED and self._latest[0].started > since
        if not is_forgotten and sum(held for held, _ in shares) < (until - since) / 2:
            return None
        totals = defaultdict[str, float](float)
        for held, holding in shares:
            totals[holding.name] += held
        name = max(totals, key=lambda name: totals[name])
        return max((share for share in shares if share[1].name == name), key=lambda share: share[0])[1]

    def _shares(self, since: float) -> Iterator[tuple[float, Holding]]:
        """How long each call held the thread since then, in seconds, the latest first."""
        for holding in reversed(self._latest):
            if holding.ended <= since:
                return
            yield holding.ended - max(holding.started, since), holding
