"""Compares findings of two releases per hour of service, because releases are rarely in service for equally long.

A finding is worse or better if it blocks the loop by a quarter more or less per hour, and the difference is larger than
chance explains. The events of each release are treated as a random sample, with a tolerance of two standard deviations.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, hypot, sqrt

NEW, GONE, WORSE, BETTER, SAME = "new", "gone", "worse", "better", "same"
KINDS = (NEW, WORSE, GONE, BETTER, SAME)

_RATIO = 1.25
_DEVIATIONS = 2.0
_LIKELY_BY_CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class ComparedRelease:
    """A release with its totals, in service from the hour ``begin`` to ``end``, which may be now."""

    name: str
    begin: datetime
    end: datetime
    events: int
    blocked_ms: float

    @property
    def hours(self) -> float:
        return (self.end - self.begin) / timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """A finding's figures in one release that was in service for ``hours``."""

    hours: float
    events: int
    blocked_ms: float
    longest_ms: float
    p95_ms: float | None

    @property
    def blocked_ms_per_hour(self) -> float:
        return self.blocked_ms / self.hours

    @property
    def events_per_hour(self) -> float:
        return self.events / self.hours

    @property
    def deviation(self) -> float:
        """The standard deviation of ``blocked_ms_per_hour``, if events occur at random."""
        return self.blocked_ms_per_hour / sqrt(self.events) if self.events else 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A finding in the release before and in the release after."""

    before: Rate
    after: Rate

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        if not self.before.events:
            return NEW
        if not self.after.events:
            return GONE
        was, is_now = self.before.blocked_ms_per_hour, self.after.blocked_ms_per_hour
        if abs(is_now - was) <= _DEVIATIONS * hypot(self.before.deviation, self.after.deviation):
            return SAME
        if is_now >= was * _RATIO:
            return WORSE
        return BETTER if is_now * _RATIO <= was else SAME

    @property
    def is_early(self) -> bool:
        """Whether the finding may be absent by chance, with more than 5 % at the rate of the other release."""
        absent, other = (self.before, self.after) if self.kind == NEW else (self.after, self.before)
        return not absent.events and exp(-other.events_per_hour * absent.hours) > _LIKELY_BY_CHANCE

    @property
    def difference_ms_per_hour(self) -> float:
        return self.after.blocked_ms_per_hour - self.before.blocked_ms_per_hour


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two releases, and how many findings changed in which way, including those not listed."""

    before: ComparedRelease
    after: ComparedRelease
    counts: dict[str, int]
