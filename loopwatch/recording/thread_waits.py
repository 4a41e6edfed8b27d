"""Thread waits on their way to the writer, and added up: by the hour, the call that held the thread, and the route."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from loopwatch.recording.column_values import microseconds, text
from loopwatch.recording.request_columns import method, route
from loopwatch.stored_time import whole_hour
from loopwatch.thread_waits.thread_wait import Describe, ThreadKind, ThreadWait

WAITS_LIMIT = 1_000
KEYS_LIMIT = 5_000


class WaitKey(NamedTuple):
    """What waits are added up by. ``held_for`` is the request that the holding call belonged to."""

    hour: datetime
    thread: ThreadKind
    held_by: str
    held_for: str
    method: str
    route: str


@dataclass(slots=True)
class WaitTotals:
    """Counters to add to those already stored (``longest_us``: to compare with)."""

    waits: int = 0
    waited_us: int = 0
    longest_us: int = 0

    def add(self, other: "WaitTotals") -> None:
        """Add the other's counts to these."""
        self.waits += other.waits
        self.waited_us += other.waited_us
        self.longest_us = max(self.longest_us, other.longest_us)


class WaitSums:
    """Totals by key, within a limit: what is beyond is added up by the hour alone. Not safe for several threads."""

    def __init__(self) -> None:
        self.totals: dict[WaitKey, WaitTotals] = {}

    @property
    def waits(self) -> int:
        """How many waits these are."""
        return sum(totals.waits for totals in self.totals.values())

    def add(self, key: WaitKey, totals: WaitTotals) -> None:
        """Add to one key."""
        if key not in self.totals and len(self.totals) >= KEYS_LIMIT:
            key = WaitKey(key.hour, key.thread, "", "", "", "")
        self.totals.setdefault(key, WaitTotals()).add(totals)

    def merge(self, others: Mapping[WaitKey, WaitTotals]) -> None:
        """Add to many keys."""
        for key, totals in others.items():
            self.add(key, totals)


class ThreadWaits:
    """Takes over waits on the threads that were waited for, which must not be kept; the writer adds them up.

    Of very many within one interval, some are added up without their requests.
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
        """How many have been taken over and are waiting for the writer."""
        with self._lock:
            return len(self._waits) + self._surplus.waits

    def move_to(self, sums: WaitSums) -> None:
        """Add everything taken over so far to these, with the requests it belongs to, and forget it."""
        with self._lock:
            waits, self._waits = self._waits, []
            surplus, self._surplus = self._surplus, WaitSums()
        for wait in waits:
            sums.add(*_counted(wait))
        sums.merge(surplus.totals)


def _counted(wait: ThreadWait) -> tuple[WaitKey, WaitTotals]:
    """What a wait adds to which totals. One that lasts is not counted before it has ended."""
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
    return key, WaitTotals(0, 0, waited_us) if wait.ongoing else WaitTotals(1, waited_us, waited_us)


def request_text(describe: Describe | None) -> str:
    """Method and route on one line, empty for no request."""
    return " ".join(_request(describe)).strip()


def _request(describe: Describe | None) -> tuple[str, str]:
    """Method and route, or the consumer where there is no route."""
    request = describe() if describe else None
    return method(request), route(request) or text(request.consumer if request else "", 300)
