"""Attributes a wait to the calls that held the threads meanwhile. A pure function."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loopwatch.detection.timing.in_flight import RequestInFlight
from loopwatch.thread_waits.thread_wait import HeldThreads

REMEMBERED = 256
"""How many calls of a queue are remembered. More would explain waits in longer queues, and take longer to search."""

MOST_NAMED = 5
"""How many functions of a wait are named. A pool may run as many as it has threads."""


@dataclass(frozen=True, slots=True)
class ThreadHolder:
    """A call that held a thread, with times of ``loopwatch.detection.machine.clock``."""

    name: str
    request: RequestInFlight | None
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a wait is attributed to: functions, and the request of the first function's longest call."""

    held: tuple[HeldThreads, ...]
    request: RequestInFlight | None


def attribute(
    ended: Sequence[ThreadHolder], running: Sequence[ThreadHolder], since: float, until: float, threads: int
) -> Attribution | None:
    """Attribute a wait to the latest calls that have ended and to running ones; ``None`` if a thread was mostly free.

    A call that waits while a thread is free waits for a CPU, for the GIL, or for a thread to start.
    """
    if len(ended) == REMEMBERED:  # earlier ones are forgotten
        since = max(since, ended[0].ended)
    functions = _by_function((*ended, *running), since, until)
    lasted_s = until - since
    if not functions or sum(each.held_s for each in functions) < lasted_s * threads / 2:
        return None
    functions.sort(key=lambda each: each.held_s, reverse=True)
    held = tuple(
        HeldThreads(each.name, min(threads, max(1, round(each.held_s / lasted_s)))) for each in functions[:MOST_NAMED]
    )
    return Attribution(held, functions[0].longest.request)


@dataclass(slots=True)
class _Function:
    """How long the calls of one function held threads, and the call among them that held one longest."""

    name: str
    held_s: float
    longest_s: float
    longest: ThreadHolder


def _by_function(holders: Iterable[ThreadHolder], since: float, until: float) -> list[_Function]:
    functions: dict[str, _Function] = {}
    for holder in holders:
        held_s = min(holder.ended, until) - max(holder.started, since)
        if held_s <= 0:  # other threads go on while a wait is attributed
            continue
        function = functions.setdefault(holder.name, _Function(holder.name, 0.0, 0.0, holder))
        function.held_s += held_s
        if held_s > function.longest_s:
            function.longest_s, function.longest = held_s, holder
    return list(functions.values())
