"""Values that reports of stalls add to the stored counters."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from loopwatch.detection.calls import BlockingCall, OtherPlace
from loopwatch.impact import NO_IMPACT, Impact


class HourKey(NamedTuple):
    """Identifies an hourly total; ``hour`` is the beginning of an hour in UTC."""

    hour: datetime
    method: str
    route: str


@dataclass(frozen=True, slots=True)
class CallDescription:
    """Describes a finding's call: what identifies it, and the rest as of its newest event, because lines move."""

    method_name: str
    called_name: str
    function: str
    filename: str
    lineno: int
    source: str
    cause: str
    exact: bool
    other_place: OtherPlace | None
    calls_seen: int


@dataclass(slots=True)
class RouteDelta:
    """Adds to one route: the impact ``caused`` by its stalls, and the delay ``suffered`` by its requests."""

    caused: Impact = NO_IMPACT
    suffered: Impact = NO_IMPACT

    def add(self, other: "RouteDelta") -> None:
        """Add another delta of the same route."""
        self.caused += other.caused
        self.suffered += other.suffered


@dataclass(slots=True)
class HourDelta:
    """Adds to one hourly total. Columns of the histogram count stalls that have ended."""

    impact: Impact
    columns: Counter[str]


@dataclass(frozen=True, slots=True)
class Detail:
    """A call kept in full; ``is_new`` is false if its event was given to the database before."""

    call: BlockingCall
    is_new: bool


@dataclass(slots=True)
class FindingDelta:
    """Adds to one finding."""

    call: CallDescription
    first_seen: datetime
    last_seen: datetime
    impact: Impact
    hours: dict[HourKey, HourDelta] = field(default_factory=dict)
    details: dict[str, Detail] = field(default_factory=dict)
    thinned: int = 0
    routes: dict[HourKey, RouteDelta] = field(default_factory=dict)
    """Only a new delta has routes; ``Pending.routes`` adds them up."""

    def merge(self, newer: "FindingDelta") -> None:
        """Add a newer delta, except its hours and routes."""
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
    """Split details into those to keep, half because they are slow and half because they are new, and the surplus."""
    by_duration = sorted(details, key=lambda detail: detail.call.duration_ms, reverse=True)
    half = (limit + 1) // 2
    slowest, others = by_duration[:half], by_duration[half:]
    others.sort(key=lambda detail: detail.call.started_at.timestamp(), reverse=True)
    newest = limit - len(slowest)
    return slowest + others[:newest], others[newest:]
