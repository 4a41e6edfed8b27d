"""Adds deltas to the stored counters of findings, hours and routes.

The database computes every sum, so counters stay exact while several processes add to them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby

from loopwatch import impact
from loopwatch.abstract_models import CallColumns
from loopwatch.histogram import COLUMNS
from loopwatch.models import Finding, HourlyTotal, RouteTotal
from loopwatch.recorder.call_columns import call_columns
from loopwatch.recorder.column_values import text
from loopwatch.recorder.deltas import FindingDelta, HourDelta, HourKey, RouteDelta
from loopwatch.recorder.upserts import Merge, update, upsert
from loopwatch.stored_time import as_stored

_ADDED = tuple(column for column in impact.COLUMNS if column != "longest_us")
_FINDINGS = Merge(
    unique=("fingerprint",),
    added=(*_ADDED, "events_thinned"),
    largest=("longest_us", "last_seen"),
    smallest=("first_seen",),
    replaced=CallColumns.column_names(),
    with_largest=(("last_release", "last_seen"),),
    with_smallest=(("first_release", "first_seen"),),
)
HOURS = Merge(
    unique=("finding_id", "hour", "method", "route", "release"), added=(*_ADDED, *COLUMNS), largest=("longest_us",)
)
ROUTES = Merge(
    unique=("hours", "start", "method", "route"),
    added=(*_ADDED, "waits", "waited_us", "arrivals_late", "late_us"),
    largest=("longest_us",),
)


def count_findings(alias: str, rows: Iterable[Finding]) -> None:
    """Add the rows to the stored findings, in the given order."""
    _add(alias, rows, _FINDINGS)


def count_hours(alias: str, release: str, deltas: Iterable[tuple[int, FindingDelta]]) -> None:
    """Add to the hourly totals of findings, given by id. The transaction must have locked the findings."""
    rows = [_hour(finding_id, release, key, hour) for finding_id, delta in deltas for key, hour in delta.hours.items()]
    _add(alias, rows, HOURS)


def count_routes(alias: str, routes: Mapping[HourKey, RouteDelta]) -> None:
    """Add to the hours and days of routes. The given order must be the same in every process."""
    by_day = defaultdict[HourKey, RouteDelta](RouteDelta)
    for key, delta in routes.items():
        by_day[key._replace(hour=key.hour.replace(hour=0))].add(delta)
    rows = [
        *(_route(RouteTotal.Hours.HOUR, key, delta) for key, delta in routes.items()),
        *(_route(RouteTotal.Hours.DAY, key, delta) for key, delta in by_day.items()),
    ]
    upsert(alias, rows, ROUTES)


def _add(alias: str, rows: Iterable[Finding | HourlyTotal], merge: Merge) -> None:
    """Add the rows, in their order.

    A row without a new event comes from a later report of a stall. It must not restore a deleted row.
    """
    for has_events, some in groupby(rows, key=lambda row: row.events > 0):
        (upsert if has_events else update)(alias, list(some), merge)


def _route(hours: RouteTotal.Hours, key: HourKey, delta: RouteDelta) -> RouteTotal:
    return RouteTotal(
        hours=hours,
        start=as_stored(key.hour),
        method=key.method,
        route=key.route,
        **delta.caused.columns(),
        waits=delta.suffered.requests_delayed,
        waited_us=delta.suffered.delay_us,
        arrivals_late=delta.suffered.requests_kept_out,
        late_us=delta.suffered.kept_out_us,
    )


def _hour(finding_id: int, release: str, key: HourKey, hour: HourDelta) -> HourlyTotal:
    return HourlyTotal(
        finding_id=finding_id,
        hour=as_stored(key.hour),
        method=key.method,
        route=key.route,
        release=release,
        **hour.impact.columns(),
        **hour.columns,
    )


def finding_row(fingerprint: str, release: str, delta: FindingDelta) -> Finding:
    """Return what the delta adds to its finding. Values of wrong types raise any exception."""
    return Finding(
        fingerprint=fingerprint,
        function=text(delta.call.function, 300),
        first_seen=as_stored(delta.first_seen),
        last_seen=as_stored(delta.last_seen),
        first_release=release,
        last_release=release,
        events_thinned=delta.thinned,
        **delta.impact.columns(),
        **call_columns(delta.call),
    )
