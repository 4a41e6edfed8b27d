"""The garbage collector's pauses, which no sample shows.

``gc.callbacks`` are called on the thread that collects, which may be a loop's. Short pauses are not remembered. After a
long one, the callback also looks where its own thread stands: only now is it certain what began the collection.
"""

import gc
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from loopwatch.detection.cpython.frames import stack_of
from loopwatch.detection.cpython.sites import Site, register_collector_callback
from loopwatch.detection.cpython.templates import RENDERS_NODE
from loopwatch.detection.machine.clock import now
from loopwatch.detection.sampling.sample import sites_on
from loopwatch.detection.sampling.thread_requests import TAKES_WORK, request_of_thread
from loopwatch.detection.timing.in_flight import RequestInFlight

SHORTEST_PAUSE_S = 0.001
SHORTEST_LOOKED_AT_S = 0.01
"""To look takes less than one per cent of such a pause."""
MAX_PAUSES = 256

register_collector_callback(__name__)


@dataclass(frozen=True, slots=True)
class Pause:
    """One collection on one thread. Times are ``now()``.

    ``sites`` is the code that began a long one, innermost first, and ``request`` what its thread worked for.
    """

    thread_id: int
    started: float
    ended: float
    sites: tuple[Site, ...] = ()
    request: RequestInFlight | None = None

    def within_s(self, started: float, ended: float) -> float:
        return max(0.0, min(self.ended, ended) - max(self.started, started))

    def outside(self, started: float, ended: float) -> Iterator["Pause"]:
        """Yield what is left of the pause before and after a span of time."""
        if self.started < started:
            yield replace(self, ended=min(self.ended, started))
        if self.ended > ended:
            yield replace(self, started=max(self.started, ended))


class Collecting(NamedTuple):
    """The pauses on a loop's own thread, and the seconds of those on others, which keep the GIL from it meanwhile."""

    own: tuple[Pause, ...] = ()
    others_s: float = 0.0

    def own_s(self, started: float, ended: float) -> float:
        """Return how long the loop's own thread spent collecting between two moments."""
        return sum(pause.within_s(started, ended) for pause in self.own)

    def without(self, started: float, ended: float) -> "Collecting":
        """Return the same without a span of time in which the loop's own thread did something else."""
        return self._replace(own=tuple(part for pause in self.own for part in pause.outside(started, ended)))


class GcPauses:
    """Remembers the latest pauses of the process, while it is installed."""

    def __init__(self) -> None:
        self._pauses: deque[Pause] = deque(maxlen=MAX_PAUSES)
        self._started = 0.0

    def install(self) -> None:
        if self._note not in gc.callbacks:
            gc.callbacks.append(self._note)

    def uninstall(self) -> None:
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)

    def within(self, thread_id: int, started: float, ended: float) -> Collecting:
        """Return the pauses of that thread, and of all others, between two moments."""
        pauses = [pause for pause in list(self._pauses) if pause.within_s(started, ended)]
        others_s = sum(pause.within_s(started, ended) for pause in pauses if pause.thread_id != thread_id)
        return Collecting(tuple(pause for pause in pauses if pause.thread_id == thread_id), others_s)

    def by_another_thread(self, thread_id: int, started: float, ended: float) -> Pause | None:
        """Return the pause on another thread that fills most of that time, if one fills half of it."""
        others = (pause for pause in list(self._pauses) if pause.thread_id != thread_id)
        longest = max(others, key=lambda pause: pause.within_s(started, ended), default=None)
        if longest is None or longest.within_s(started, ended) < (ended - started) / 2:
            return None
        return longest

    def _note(self, phase: str, _info: dict[str, Any]) -> None:
        # Collections do not overlap: while the collector runs, no thread can enter it again.
        if phase == "start":
            self._started = now()
        elif (ended := now()) - self._started >= SHORTEST_PAUSE_S:
            pause = Pause(threading.get_ident(), self._started, ended)
            if ended - pause.started >= SHORTEST_LOOKED_AT_S:
                with suppress(Exception):  # close to the recursion limit, there is no room to look
                    pause = _with_its_beginner(pause)
            self._pauses.append(pause)


def _with_its_beginner(pause: Pause) -> Pause:
    """Add what began a collection. The collector's callback calls this on the same thread."""
    stack = stack_of(pause.thread_id, RENDERS_NODE, TAKES_WORK)
    outside = 1 + next(depth for depth, each in enumerate(stack.standing) if each.code is _CALLBACK)
    began = stack._replace(standing=stack.standing[outside:], innermost=stack.innermost[outside:], outermost=None)
    return replace(pause, sites=sites_on(began), request=request_of_thread(pause.thread_id, stack.outermost))


_CALLBACK = GcPauses._note.__code__  # noqa: SLF001
