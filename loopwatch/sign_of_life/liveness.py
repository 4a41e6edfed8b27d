"""The value that ``loopwatch.liveness()`` returns. It is read from the state of the loops, without a lock."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from loopwatch.detection.machine.clock import utc_of
from loopwatch.detection.timing.loop_clock import LoopClock

CONFIRMED_AFTER_S = 0.02


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether the loops of this process serve requests; without a server, whether those of its programs run.

    ``serving`` is false while a loop has been blocked for longer than ``LIVENESS_AFTER_S``. ``blocked_since`` (aware,
    UTC) is when the longest stall began that still goes on, and ``worst_pause_ms`` the longest pause of the last
    minute, that stall included. Pauses below ``THRESHOLD_MS`` do not count. ``loops`` is the number of these loops.
    """

    serving: bool = True
    blocked_since: datetime | None = None
    worst_pause_ms: float = 0.0
    loops: int = 0


def liveness_of(clocks: Iterable[LoopClock], blocked_after_s: float, at: float) -> Liveness:
    """Return the state of the loops at the present moment ``at``. Beside loops that serve requests, no other counts."""
    open_ones = [clock for clock in clocks if _is_open(clock)]
    watched = [clock for clock in open_ones if clock.serves] or open_ones
    began = min((started for clock in watched if (started := _stalls_since(clock, at)) is not None), default=at)
    longest_s = max([at - began, *(clock.recent_pauses.longest_s(at) for clock in watched)])
    return Liveness(
        serving=at - began < blocked_after_s,
        blocked_since=utc_of(began) if began < at else None,
        worst_pause_ms=longest_s * 1000,
        loops=len(watched),
    )


def confirmed(read: Callable[[], Liveness]) -> Liveness:
    """Return the state of the loops, and look twice before a loop is said to be blocked. Not on a loop's thread.

    As a step begins, the loop's thread notes the step before its time. If it loses the GIL in between, the step seems
    to have begun when the one before it did, which may be long ago.
    """
    found = read()
    if found.serving:
        return found
    time.sleep(CONFIRMED_AFTER_S)
    return read()


def _stalls_since(clock: LoopClock, at: float) -> float | None:
    """Return when the running step began, if it has reached the threshold."""
    is_running, started = clock.handle is not None, clock.started
    return started if is_running and at - started >= clock.threshold_s else None


def _is_open(clock: LoopClock) -> bool:
    loop = clock.loop()
    return loop is not None and not loop.is_closed()
