"""Holds what must still be written: exact counts, and a bounded number of calls in full.

An outage of the database may last for days, so everything here has a limit. Findings over the limit are ``dropped``,
calls in full are ``thinned``, hours are added up in one more entry of their finding, and routes in one more entry of
the hour.
"""

from collections import Counter
from collections.abc import Mapping

from loopwatch.impact import Impact
from loopwatch.recorder.deltas import FindingDelta, HourDelta, HourKey, RouteDelta
from loopwatch.recorder.route_limit import others

FINDINGS_LIMIT = 10_000
HOURS_LIMIT = 50_000
HOURS_PER_FINDING = 200
ROUTES_LIMIT = 20_000
DETAILS_LIMIT = 100
DETAILS_HARD_LIMIT = 3_000
DETAILS_PER_FINDING = 20
DETAILS_WHEN_SCARCE = 1


class Pending:
    """Adds up the deltas of findings, by fingerprint, and the deltas of routes.

    Not thread-safe: its owner holds a lock.
    """

    __slots__ = ("_details", "_hours", "events", "findings", "routes")

    def __init__(self) -> None:
        self.findings: dict[str, FindingDelta] = {}
        self.routes: dict[HourKey, RouteDelta] = {}
        self.events = 0
        self._details = 0
        self._hours = 0

    def merge(self, newer: "Pending") -> int:
        """Take over newer deltas one by one. Returns how many events were dropped for lack of room."""
        dropped = 0
        for fingerprint in list(newer.findings):
            dropped += self.add(fingerprint, newer.findings[fingerprint])
            newer.remove(fingerprint)
        self.add_routes(newer.routes)
        newer.routes = {}
        return dropped

    def add(self, fingerprint: str, delta: FindingDelta) -> int:
        """Add one finding's delta. Returns how many events were dropped for lack of room."""
        known = self.findings.get(fingerprint)
        if known is None and len(self.findings) >= FINDINGS_LIMIT:
            return delta.impact.events
        self.events += delta.impact.events
        if known is None:
            known = FindingDelta(delta.call, delta.first_seen, delta.last_seen, Impact())
            self.findings[fingerprint] = known
        before = len(known.details)
        known.merge(delta)
        self._limit_details(known, before)
        for key, hour in delta.hours.items():
            self._add_hour(known, key, hour)
        self.add_routes(delta.routes)
        return 0

    def add_routes(self, routes: Mapping[HourKey, RouteDelta]) -> None:
        """Add the deltas of routes."""
        for key, delta in routes.items():
            is_full = key not in self.routes and len(self.routes) >= ROUTES_LIMIT
            self.routes.setdefault(others(key) if is_full else key, RouteDelta()).add(delta)

    def remove_routes(self, *keys: HourKey) -> None:
        """Remove the deltas of routes after they were written."""
        for key in keys:
            del self.routes[key]

    def put_back(self, fingerprint: str, older: FindingDelta) -> None:
        """Add a delta again that was taken out; deltas added since then are newer."""
        newer = self.findings.get(fingerprint)
        if newer:
            self.remove(fingerprint)
        self.add(fingerprint, older)
        if newer:
            self.add(fingerprint, newer)

    def thin(self, limit: int) -> None:
        """Keep at most ``limit`` new calls of each finding in full."""
        for delta in self.findings.values():
            before = len(delta.details)
            if before > limit:
                delta.thin(limit)
                self._details += len(delta.details) - before

    def remove(self, *fingerprints: str) -> None:
        """Remove the deltas of findings after they were written."""
        for fingerprint in fingerprints:
            delta = self.findings.pop(fingerprint)
            self.events -= delta.impact.events
            self._details -= len(delta.details)
            self._hours -= len(delta.hours)

    def _limit_details(self, delta: FindingDelta, before: int) -> None:
        limit = DETAILS_PER_FINDING if self._details < DETAILS_LIMIT else DETAILS_WHEN_SCARCE
        if self._details >= DETAILS_HARD_LIMIT:
            limit = min(limit, before)
        # Let twice the limit gather, so that sorting is rare. The database sink thins the rest.
        if len(delta.details) > (limit * 2 if limit == DETAILS_PER_FINDING else limit):
            delta.thin(limit)
        self._details += len(delta.details) - before

    def _add_hour(self, delta: FindingDelta, key: HourKey, hour: HourDelta) -> None:
        if key not in delta.hours and (len(delta.hours) >= HOURS_PER_FINDING or self._hours >= HOURS_LIMIT):
            key = others(next(iter(delta.hours), key))
        known = delta.hours.get(key)
        if known is None:
            known = delta.hours[key] = HourDelta(Impact(), Counter())
            self._hours += 1
        known.impact += hour.impact
        known.columns.update(hour.columns)
