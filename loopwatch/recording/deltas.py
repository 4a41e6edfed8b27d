"""What reports of stalls add to stored counters."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from loopwatch.detection.calls import BlockingCall
from loopwatch.impact import NO_IMPACT, Impact


class HourKey(NamedTuple):
    """What one hourly total is about; ``hour`` is the beginning of an hour in UTC."""

    hour: datetime
    method: str
    route: str


@dataclass(frozen=True, slots=True)
class CallDescription:
    """What a finding says of its blocking call: taken from the newest one, since lines move."""

    method_name: str
    function: str
    filename: str
    lineno: int
    source: str
    cause: str
    is_c_call: bool
    exact: bool


@dataclass(slots=True)
class RouteDelta:
    """What to add to the totals of one route: what its stalls did, and what its requests suffered."""

    caused: Impact = NO_IMPACT
    suffered: Impact = NO_IMPACT

    def add(self, other: "RouteDelta") -> None:
        """Add the other's counts to these."""
        self.caused += other.caused
        self.suffered += other.suffered


@dataclass(slots=True)
class HourDelta:
    """What to add to one hourly total. A stall is counted in a column of the histogram when it has ended."""

    impact: Impact
    columns: Counter[str]


@dataclass(frozen=True, slots=True)
class Detail:
    """A call kept in full; ``is_new`` is false where its event was handed to the database before."""

    call: BlockingCall
    is_new: bool


@dataclass(slots=True)
class FindingDelta:
    """What to add to one finding."""

    call: CallDescription
    first_seen: datetime
    last_seen: datetime
    impact: Impact
    hours: dict[HourKey, HourDelta] = field(default_factory=dict)
    details: dict[str, Detail] = field(default_factory=dict)
    thinned: int = 0
    routes: dict[HourKey, RouteDelta] = field(default_factory=dict)
    """What to add to the totals of routes; of a new delta alone, see ``Pending.routes``."""

    def merge(self, newer: "FindingDelta") -> None:
        """Add a newer delta, all but its hours and routes."""
        self.call = newer.call
        self.first_seen = min(self.first_seen, newer.first_seen)
        self.last_seen = max(self.last_seen, newer.last_seen)
        self.impact += newer.impact
        self.thinned += newer.thinned
        for stall_id, detail in newer.details.items():
            earlier = self.details.get(stall_id)
            self.details[stall_id] = Detail(detail.call, detail.is_new or bool(earlier and earlier.is_new))

    def thin(self, limit: int) -> None:
        """Keep ``limit`` new calls, the slowest and the newest, and every call that updates a stored event."""
        new = [detail for detail in self.details.values() if detail.is_new]
        for detail in slowest_and_newest(new, limit)[1]:
            del self.details[detail.call.stall_id]
            self.thinned += 1


def slowest_and_newest(details: Iterable[Detail], limit: int) -> tuple[list[Detail], list[Detail]]:
    """Split into those to keep (half of them for being slow, the others for being new) and the surplus."""
    by_duration = sorted(details, key=lambda detail: detail.call.duration_ms, reverse=True)
    half = (limit + 1) // 2
    slowest, others = by_duration[:half], by_duration[half:]
    others.sort(key=lambda detail: detail.call.started_at, reverse=True)
    newest = limit - len(slowest)
    return slowest + others[:newest], others[newest:]
