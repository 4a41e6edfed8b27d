"""Adds up thread waits by the hour, the call that held the thread, and the route."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from loopwatch.recorder.column_values import microseconds, text
from loopwatch.recorder.request_columns import method, route
from loopwatch.stored_time import whole_hour
from loopwatch.thread_waits.thread_wait import Describe, ThreadKind, ThreadWait

WAITS_LIMIT = 1_000
KEYS_LIMIT = 5_000


class WaitKey(NamedTuple):
    """Identifies a total of waits. ``held_for`` is the request that the holding call belonged to."""

    hour: datetime
    thread: ThreadKind
    held_by: str
    held_for: str
    method: str
    route: str


@dataclass(slots=True)
class WaitTotals:
    """Figures to add to stored totals; from ``longest_us`` on, the larger one is kept instead."""

    waits: int = 0
    waited_us: int = 0
    longest_us: int = 0
    most_waiting: int = 0
    threads: int = 0
    threads_held: int = 0

    def add(self, other: "WaitTotals") -> None:
        """Add other figures of the same total."""
        self.waits += other.waits
        self.waited_us += other.waited_us
        self.longest_us = max(self.longest_us, other.longest_us)
        self.most_waiting = max(self.most_waiting, other.most_waiting)
        self.threads = max(self.threads, other.threads)
        self.threads_held = max(self.threads_held, other.threads_held)


class WaitSums:
    """Totals by key. Keys over the limit are added up by the hour only. Not thread-safe."""

    def __init__(self) -> None:
        self.totals: dict[WaitKey, WaitTotals] = {}

    @property
    def waits(self) -> int:
        """How many waits these totals count."""
        return sum(totals.waits for totals in self.totals.values())

    def add(self, key: WaitKey, totals: WaitTotals) -> None:
        """Add to the total of one key."""
        if key not in self.totals and len(self.totals) >= KEYS_LIMIT:
            key = WaitKey(key.hour, key.thread, "", "", "", "")
        self.totals.setdefault(key, WaitTotals()).add(totals)

    def merge(self, others: Mapping[WaitKey, WaitTotals]) -> None:
        """Add to the totals of many keys."""
        for key, totals in others.items():
            self.add(key, totals)


class ThreadWaits:
    """Collects waits for the writer, which adds them up. Thread-safe.

    ``put`` runs on the thread that was waited for, so it only appends. If very many waits come within one interval,
    some are added up at once, without their requests.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits: list[ThreadWait] = []
        self._surplus = WaitSums()

    def put(self, wait: ThreadWait) -> None:
        """Take over one wait."""
        with self._lock:
            if len(self._waits) < WAITS_LIMIT:
                self._waits.append(wait)
            else:
                self._surplus.add(*_counted(replace(wait, holder=None, waiter=None)))

    @property
    def waits(self) -> int:
        """How many waits the writer has not taken yet."""
        with self._lock:
            return len(self._waits) + self._surplus.waits

    def move_to(self, sums: WaitSums) -> None:
        """Move everything collected so far to ``sums``, with the requests it belongs to."""
        with self._lock:
            waits, self._waits = self._waits, []
            surplus, self._surplus = self._surplus, WaitSums()
        for wait in waits:
            sums.add(*_counted(wait))
        sums.merge(surplus.totals)


def _counted(wait: ThreadWait) -> tuple[WaitKey, WaitTotals]:
    """Return what a wait adds to which total. An ongoing wait is counted when it has ended."""
    waited_us = microseconds(wait.waited_ms)
    request_method, request_route = _request(wait.waiter)
    key = WaitKey(
        whole_hour(wait.began_at),
        wait.thread,
        text(wait.held_by, 300),
        text(request_text(wait.holder), 311),
        request_method,
        request_route,
    )
    largest = waited_us, wait.waiting, wait.threads, wait.held[0].threads
    return key, WaitTotals(0, 0, *largest) if wait.ongoing else WaitTotals(1, waited_us, *largest)


def request_text(describe: Describe | None) -> str:
    """Return method and route on one line, empty without a request."""
    return " ".join(_request(describe)).strip()


def _request(describe: Describe | None) -> tuple[str, str]:
    """Return method and route, or the consumer if there is no route."""
    request = describe() if describe else None
    return method(request), route(request) or text(request.consumer if request else "", 300)
