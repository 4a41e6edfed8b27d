"""Sums up a finding's durations and releases from its hourly totals, in one query."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Min, QuerySet, Sum

from loopwatch.histogram import BOUNDS_MS, COLUMNS
from loopwatch.impact import Impact
from loopwatch.models import HourlyTotal
from loopwatch.reporting.aggregates import IMPACT, NO_SUMS, Sums
from loopwatch.wording.durations import human_duration

_RELEASES = 30
_COUNTS = 3 + len(IMPACT)
"""Where the histogram begins in a row of the query: after the release, its two hours and the impact."""


@dataclass(frozen=True, slots=True)
class Release:
    """Sums up a finding in one release. ``first`` and ``last`` are the beginnings of hours."""

    name: str
    first: datetime
    last: datetime
    events: int
    blocked_ms: float
    longest_ms: float
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Counts the events between two bounds. ``bar`` is the length in percent of the longest bar."""

    label: str
    events: int
    share: float
    bar: int

    @property
    def percent(self) -> int:
        return round(self.share * 100)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Holds the buckets from the first to the last with events, and percentiles estimated from them."""

    buckets: list[Bucket]
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class History:
    """Holds figures, durations and releases, latest first. A site that names no releases has one without a name."""

    impact: Impact
    distribution: Distribution
    releases: list[Release]
    releases_left_out: int


def history_of(totals: QuerySet[HourlyTotal]) -> History:
    """Compute the history in one query."""
    rows = totals.values_list("release").annotate(Min("hour"), Max("hour"), *IMPACT, *map(Sum, COLUMNS))
    latest_first = sorted(rows, key=lambda row: (row[2], row[1]), reverse=True)
    sums = [Sums(Impact(*row[3:_COUNTS]), tuple(row[_COUNTS:])) for row in latest_first]
    releases = [_release(*row[:3], sums=each) for row, each in zip(latest_first, sums, strict=True)]
    together = sum(sums, NO_SUMS)
    return History(together.impact, _distribution(together), releases[:_RELEASES], max(len(releases) - _RELEASES, 0))


def _release(name: str, first: datetime, last: datetime, *, sums: Sums) -> Release:
    impact = sums.impact
    return Release(
        name, first, last, impact.events, impact.blocked_us / 1000, impact.longest_us / 1000, p95_ms=sums.p95_ms
    )


def _distribution(sums: Sums) -> Distribution:
    counts = sums.counts
    filled = [index for index, count in enumerate(counts) if count]
    shown = range(filled[0], filled[-1] + 1) if filled else range(0)
    total, most = sum(counts) or 1, max(counts, default=0) or 1
    buckets = [
        # Even the smallest bar must be visible.
        Bucket(_label(index), counts[index], counts[index] / total, _bar(counts[index], most))
        for index in shown
    ]
    return Distribution(buckets, *map(sums.percentile_ms, (0.5, 0.95, 0.99)))


def _bar(count: int, most: int) -> int:
    return max(round(100 * count / most), 1) if count else 0


def _label(index: int) -> str:
    if index == 0:
        return f"< {human_duration(BOUNDS_MS[0])}"
    lower = human_duration(BOUNDS_MS[index - 1])
    return f"{lower} – {human_duration(BOUNDS_MS[index])}" if index < len(BOUNDS_MS) else f"≥ {lower}"
