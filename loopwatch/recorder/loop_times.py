"""Adds up figures of this process's loops by minute and by hour, for the rows of ``LoopTime``.

A row holds totals that only this process writes, so writing it twice does no harm. A row is kept while anything may be
added to it; what comes later than that is added to the oldest row that is left.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from loopwatch.detection.calls import BlockingCall, LoopUsage
from loopwatch.histogram import COLUMNS, column_for
from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.models import LoopTime
from loopwatch.recorder.column_values import microseconds
from loopwatch.stored_time import whole_hour

Minutes = LoopTime.Minutes
KEPT = {Minutes.MINUTE: timedelta(hours=50), Minutes.HOUR: timedelta(days=32)}
"""How long rows are kept in the database, and in memory while the database cannot be reached."""
MAY_CHANGE = timedelta(hours=2)
LONGEST_SPREAD = timedelta(hours=24)


class LoopTimeKey(NamedTuple):
    """Identifies a row; ``start`` is aware and in UTC."""

    minutes: Minutes
    start: datetime


@dataclass(slots=True)
class LoopFigures:
    """The figures of one row."""

    impact: Impact = NO_IMPACT
    machine_us: int = 0
    busy_us: int | None = None
    steps: Counter[str] = field(default_factory=Counter)


class LoopTimes:
    """Accumulates the figures. Thread-safe: methods only contend for one internal lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[LoopTimeKey, LoopFigures] = {}
        self._changed = set[LoopTimeKey]()
        self._first: dict[Minutes, datetime] = {}
        """The end of the last row that was dropped."""
        self._steps = dict.fromkeys(COLUMNS, 0)
        self._steps_taken = Counter[str]()

    def count_step(self, duration_s: float) -> None:
        """Count a step for the present hour. The threads of loops call this, and wait for no lock."""
        # CPython passes the GIL on at calls and jumps only, so no addition is lost; without a GIL, a few may be.
        self._steps[column_for(duration_s * 1000)] += 1

    def add_usage(self, usage: LoopUsage) -> None:
        """Add how busy a loop was."""
        if usage.busy_s is None:
            return
        begin = usage.ended_at - timedelta(seconds=usage.lasted_s)
        with self._lock:
            for row, (share_us,) in self._spread(begin, usage.ended_at, microseconds(usage.busy_s * 1000)):
                row.busy_us = (row.busy_us or 0) + share_us

    def add_pause(self, call: BlockingCall) -> None:
        """Add a pause of a loop, for any reason."""
        step_us = microseconds(call.step_ms)
        end = call.started_at + timedelta(microseconds=step_us)
        is_machines = call.cause.is_machine and not call.ongoing
        with self._lock:
            for row, (share_us,) in self._spread(call.started_at, end, step_us):
                row.impact += Impact(longest_us=step_us)
                row.machine_us += share_us if is_machines else 0

    def add_stall(self, started_at: datetime, added: Impact) -> None:
        """Add what a report of a stall added to its finding: the last part of the stall so far."""
        end = started_at + timedelta(microseconds=added.longest_us)
        begin = end - timedelta(microseconds=added.blocked_us)
        with self._lock:
            for minutes in Minutes:
                row = self._row(minutes, started_at)
                row.impact += replace(added, blocked_us=0, longest_us=0, delay_us=0)
            for row, (blocked_us, delay_us) in self._spread(begin, end, added.blocked_us, added.delay_us):
                row.impact += Impact(blocked_us=blocked_us, delay_us=delay_us)

    def take(self) -> dict[LoopTimeKey, LoopFigures]:
        """Return copies of the rows that have changed since the last call."""
        with self._lock:
            self._add_steps()
            taken = {key: replace(self._rows[key]) for key in self._changed}
            self._changed.clear()
            self._forget()
            return taken

    def latest_minute(self) -> LoopFigures:
        """Return the last full minute, for gauges; all zero if nothing happened."""
        start = _start(Minutes.MINUTE, datetime.now(UTC)) - timedelta(minutes=1)
        with self._lock:
            return replace(self._rows.get(LoopTimeKey(Minutes.MINUTE, start), LoopFigures()))

    def _add_steps(self) -> None:
        counts = Counter(self._steps)
        if added := counts - self._steps_taken:
            self._steps_taken = counts
            row = self._row(Minutes.HOUR, datetime.now(UTC))
            row.steps = row.steps + added

    def _spread(
        self, begin: datetime, end: datetime, *amounts_us: int
    ) -> Iterator[tuple[LoopFigures, tuple[int, ...]]]:
        """Yield every row between two moments with its shares of the amounts; the shares add up to the amounts."""
        begin = max(begin, end - LONGEST_SPREAD)
        for minutes in Minutes:
            given_us = (0,) * len(amounts_us)
            start = _start(minutes, begin)
            while True:
                start += timedelta(minutes=minutes)
                is_last = start >= end
                share = 1.0 if is_last else (start - begin) / (end - begin)
                so_far_us = tuple(round(amount_us * share) for amount_us in amounts_us)
                shares_us = tuple(new - old for new, old in zip(so_far_us, given_us, strict=True))
                yield self._row(minutes, start - timedelta(minutes=minutes)), shares_us
                if is_last:
                    break
                given_us = so_far_us

    def _row(self, minutes: Minutes, at: datetime) -> LoopFigures:
        start = max(_start(minutes, at), self._first.get(minutes, _start(minutes, at)))
        key = LoopTimeKey(minutes, start)
        self._changed.add(key)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = LoopFigures()
            self._forget_unwritten(minutes)
        return row

    def _forget(self) -> None:
        """Drop rows that are about to be written and too old to change."""
        self._forget_wrong_clock(datetime.now(UTC) + MAY_CHANGE)
        for minutes in Minutes:
            keys = sorted(key for key in self._rows if key.minutes == minutes)
            self._drop([key for key in keys if key.start < keys[-1].start - MAY_CHANGE])

    def _forget_wrong_clock(self, latest: datetime) -> None:
        """Drop the rows after ``latest``: the clock was ahead and has been set back since."""
        for key in [key for key in self._rows if key.start > latest]:
            del self._rows[key]
        self._first = {minutes: first for minutes, first in self._first.items() if first <= latest}

    def _forget_unwritten(self, minutes: Minutes) -> None:
        """Drop rows that the database would have deleted; without a database, ``take`` is never called."""
        keys = sorted(key for key in self._rows if key.minutes == minutes)
        self._drop(keys[: -(KEPT[minutes] // timedelta(minutes=minutes))])

    def _drop(self, keys: list[LoopTimeKey]) -> None:
        for key in keys:
            del self._rows[key]
            self._changed.discard(key)
            self._first[key.minutes] = key.start + timedelta(minutes=key.minutes)


def _start(minutes: Minutes, at: datetime) -> datetime:
    whole = whole_hour(at)
    return whole if minutes == Minutes.HOUR else whole + timedelta(minutes=at.astimezone(UTC).minute)
