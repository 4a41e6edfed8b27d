"""Determines what one report of a stall adds to the counters.

An ongoing stall is reported several times. It counts as one event, and each later report adds only the difference.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC
from itertools import accumulate, pairwise

from loopwatch.detection.calls import BlockingCall
from loopwatch.histogram import column_for
from loopwatch.impact import Impact
from loopwatch.recorder import request_columns
from loopwatch.recorder.column_values import integer, microseconds
from loopwatch.recorder.deltas import CallDescription, Detail, FindingDelta, HourDelta, HourKey, RouteDelta
from loopwatch.recorder.ongoing_stalls import OngoingStalls
from loopwatch.recorder.route_limit import RouteLimit
from loopwatch.stored_time import whole_hour


@dataclass(frozen=True, slots=True)
class CountedStall:
    """The figures of one stall that were counted so far. The counters have requests by method and route."""

    fingerprint: str
    call: CallDescription
    key: HourKey
    duration_us: int
    waiting: int
    delayed: Counter[tuple[str, str]]
    kept_out: Counter[tuple[str, str]]
    kept_out_us: int

    def updated(self, call: BlockingCall) -> "CountedStall":
        """Return the figures after a later report. The finding and the hour stay, and no figure shrinks.

        A later report that blames another call does not rename the finding.
        """
        description = _description(call) if call.fingerprint == self.fingerprint else self.call
        duration_us = max(self.duration_us, microseconds(call.duration_ms))
        waiting = max(self.waiting, integer(call.waiting))
        delayed = self.delayed + request_columns.by_route(call.delayed, waiting - self.waiting)
        more = integer(call.kept_out.count) - self.kept_out.total()
        kept_out = self.kept_out + request_columns.by_route(call.kept_out.described, max(0, more))
        kept_out_us = max(self.kept_out_us, _kept_out_us(call)) if more > 0 else self.kept_out_us
        return CountedStall(
            self.fingerprint, description, self.key, duration_us, waiting, delayed, kept_out, kept_out_us
        )


class StallCounter:
    """Turns reports into deltas, and remembers ongoing stalls. Not thread-safe: its owner holds a lock."""

    def __init__(self) -> None:
        self._ongoing = OngoingStalls[CountedStall]()
        self._limit = RouteLimit()

    def count(self, call: BlockingCall) -> tuple[str, FindingDelta]:
        """Return the fingerprint of the report's finding, and what the report adds to it."""
        before = self._ongoing.pop(call)
        counted = before.updated(call) if before else _first(call)
        self._ongoing.keep(call, counted)
        delta = _delta(call, before, counted)
        delta.hours = {self._limit.limited(key): hour for key, hour in delta.hours.items()}
        routes = defaultdict[HourKey, RouteDelta](RouteDelta)
        for key, route in delta.routes.items():
            routes[self._limit.limited(key)].add(route)
        delta.routes = routes
        return counted.fingerprint, delta


def _first(call: BlockingCall) -> CountedStall:
    key = HourKey(
        whole_hour(call.started_at), request_columns.method(call.request), request_columns.route(call.request)
    )
    waiting = integer(call.waiting)
    delayed = request_columns.by_route(call.delayed, waiting)
    duration_us = microseconds(call.duration_ms)
    kept_out = request_columns.by_route(call.kept_out.described, integer(call.kept_out.count))
    return CountedStall(
        call.fingerprint, _description(call), key, duration_us, waiting, delayed, kept_out, _kept_out_us(call)
    )


def _kept_out_us(call: BlockingCall) -> int:
    return microseconds(call.kept_out.waited_ms) if call.kept_out.count else 0


def _delta(call: BlockingCall, before: CountedStall | None, counted: CountedStall) -> FindingDelta:
    seen_at = call.started_at.astimezone(UTC)  # ``REDACT`` may have made it naive, and moments are compared later
    columns = Counter() if call.ongoing else Counter({column_for(counted.duration_us / 1000): 1})
    added = _impact(before, counted)
    return FindingDelta(
        call=counted.call,
        first_seen=seen_at,
        last_seen=seen_at,
        impact=added,
        hours={counted.key: HourDelta(added, columns)},
        details={call.stall_id: Detail(call, is_new=before is None)},
        routes=_routes(before, counted, added),
    )


def _impact(before: CountedStall | None, counted: CountedStall) -> Impact:
    duration_us, waiting = (before.duration_us, before.waiting) if before else (0, 0)
    return Impact(
        events=0 if before else 1,
        blocked_us=counted.duration_us - duration_us,
        longest_us=counted.duration_us,
        requests_delayed=counted.waiting - waiting,
        delay_us=counted.waiting * counted.duration_us - waiting * duration_us,
        requests_kept_out=counted.kept_out.total() - (before.kept_out.total() if before else 0),
        kept_out_us=counted.kept_out_us - (before.kept_out_us if before else 0),
    )


def _routes(before: CountedStall | None, counted: CountedStall, added: Impact) -> dict[HourKey, RouteDelta]:
    routes = {counted.key: RouteDelta(caused=added)}
    for (method, route), waiting in counted.delayed.items():
        waited, duration_us = (before.delayed[method, route], before.duration_us) if before else (0, 0)
        suffered = Impact(
            longest_us=counted.duration_us,
            requests_delayed=waiting - waited,
            delay_us=waiting * counted.duration_us - waited * duration_us,
        )
        routes.setdefault(HourKey(counted.key.hour, method, route), RouteDelta()).suffered += suffered
    for (method, route), late in _late(before, counted, added).items():
        routes.setdefault(HourKey(counted.key.hour, method, route), RouteDelta()).suffered += late
    return routes


def _late(before: CountedStall | None, counted: CountedStall, added: Impact) -> dict[tuple[str, str], Impact]:
    """Return what the requests kept out add to their routes: the sum of their waits, in equal parts."""
    numbers = counted.kept_out - before.kept_out if before else counted.kept_out
    ends_us = [0, *(added.kept_out_us * so_far // numbers.total() for so_far in accumulate(numbers.values()))]
    waits_us = (end_us - begin_us for begin_us, end_us in pairwise(ends_us))
    return {
        each: Impact(requests_kept_out=number, kept_out_us=waited_us)
        for (each, number), waited_us in zip(numbers.items(), waits_us, strict=True)
    }


def _description(call: BlockingCall) -> CallDescription:
    return CallDescription(
        method_name=call.method_name,
        called_name=call.called_name,
        function=call.function,
        filename=call.filename,
        lineno=call.lineno,
        source=call.source,
        cause=call.cause,
        exact=call.exact,
        other_place=call.other_place,
        calls_seen=call.calls_seen,
    )
