"""What still has to be written: counts that stay exact, and a bounded number of calls in full.

An outage of the database may last for days, so everything here has a limit, and what goes beyond is counted: findings
(``dropped``), calls in full (``thinned``), hours (added up in one more entry of their finding) and routes (in one
more entry of the hour).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from loopwatch.detection.calls import BlockingCall
from loopwatch.impact import NO_IMPACT, Impact

FINDINGS_LIMIT = 10_000
HOURS_LIMIT = 50_000
HOURS_PER_FINDING = 200
ROUTES_LIMIT = 20_000
DETAILS_LIMIT = 100
DETAILS_HARD_LIMIT = 3_000
DETAILS_PER_FINDING = 20
DETAILS_WHEN_SCARCE = 1


class HourKey(NamedTuple):
    """What one hourly total is about; ``hour`` is the beginning of an hour in UTC."""

    hour: datetime
    method: str
    route: str


@dataclass(frozen=True, slots=True)
class Place:
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

    place: Place
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
        self.place = newer.place
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


class Pending:
    """The deltas of all findings, by fingerprint, and what to add to the totals of routes, whichever finding's.

    Not safe for several threads: its owner holds a lock.
    """

    __slots__ = ("_details", "_hours", "events", "findings", "routes")

    def __init__(self) -> None:
        self.findings: dict[str, FindingDelta] = {}
        self.routes: dict[HourKey, RouteDelta] = {}
        self.events = 0
        self._details = 0
        self._hours = 0

    def merge(self, newer: "Pending") -> int:
        """Take over newer deltas, one by one; returns how many events had to be dropped for lack of room."""
        dropped = 0
        for fingerprint in list(newer.findings):
            dropped += self.add(fingerprint, newer.findings[fingerprint])
            newer.remove(fingerprint)
        self.add_routes(newer.routes)
        newer.routes = {}
        return dropped

    def add(self, fingerprint: str, delta: FindingDelta) -> int:
        """Add one finding's delta; returns how many events had to be dropped for lack of room."""
        known = self.findings.get(fingerprint)
        if known is None and len(self.findings) >= FINDINGS_LIMIT:
            return delta.impact.events
        self.events += delta.impact.events
        if known is None:
            known = FindingDelta(delta.place, delta.first_seen, delta.last_seen, Impact())
            self.findings[fingerprint] = known
        before = len(known.details)
        known.merge(delta)
        self._limit_details(known, before)
        for key, hour in delta.hours.items():
            self._add_hour(known, key, hour)
        self.add_routes(delta.routes)
        return 0

    def add_routes(self, routes: Mapping[HourKey, RouteDelta]) -> None:
        """Add to the totals of routes."""
        for key, delta in routes.items():
            is_full = key not in self.routes and len(self.routes) >= ROUTES_LIMIT
            self.routes.setdefault(HourKey(key.hour, "", "") if is_full else key, RouteDelta()).add(delta)

    def remove_routes(self, *keys: HourKey) -> None:
        """Forget what is to be added to the totals of routes, once it is written."""
        for key in keys:
            del self.routes[key]

    def put_back(self, fingerprint: str, older: FindingDelta) -> None:
        """Add a delta that was taken out before; what was added since is newer."""
        newer = self.findings.get(fingerprint)
        if newer:
            self.remove(fingerprint)
        self.add(fingerprint, older)
        if newer:
            self.add(fingerprint, newer)

    def remove(self, *fingerprints: str) -> None:
        """Forget the deltas of findings, once they are written."""
        for fingerprint in fingerprints:
            delta = self.findings.pop(fingerprint)
            self.events -= delta.impact.events
            self._details -= len(delta.details)
            self._hours -= len(delta.hours)

    def _limit_details(self, delta: FindingDelta, before: int) -> None:
        limit = DETAILS_PER_FINDING if self._details < DETAILS_LIMIT else DETAILS_WHEN_SCARCE
        if self._details >= DETAILS_HARD_LIMIT:
            limit = min(limit, before)
        # Twice the limit may gather, so that sorting is rare. The writer's database sink thins what is left over.
        if len(delta.details) > (limit * 2 if limit == DETAILS_PER_FINDING else limit):
            delta.thin(limit)
        self._details += len(delta.details) - before

    def _add_hour(self, delta: FindingDelta, key: HourKey, hour: HourDelta) -> None:
        if key not in delta.hours and (len(delta.hours) >= HOURS_PER_FINDING or self._hours >= HOURS_LIMIT):
            key = HourKey(next(iter(delta.hours), key).hour, "", "")
        known = delta.hours.get(key)
        if known is None:
            known = delta.hours[key] = HourDelta(Impact(), Counter())
            self._hours += 1
        known.impact += hour.impact
        known.columns.update(hour.columns)
