"""The counters of findings, hours and routes: adding deltas to what is stored, exactly, though several processes do so.

They only ever grow by increments that the database computes. What only adds is added by one statement for many rows.
What may also take away, because a stall that went on has moved to another column, is added row by row, and so is
everything where the database does not know that statement.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db import OperationalError
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Greatest, Least

from loopwatch.histogram import COLUMNS
from loopwatch.impact import Impact
from loopwatch.models import Finding, HourlyTotal, ImpactColumns, RouteTotal
from loopwatch.recording.column_values import integer, path_text, text
from loopwatch.recording.paths import shorten
from loopwatch.recording.pending import FindingDelta, HourDelta, HourKey, Place, RouteDelta
from loopwatch.recording.upserts import Merge, are_supported, upsert
from loopwatch.stored_time import as_stored

_ADDED = ("events", "blocked_us", "requests_delayed", "delay_us")
_PLACE = ("filename", "lineno", "source", "cause", "is_c_call", "exact")
_FINDINGS = Merge(
    unique=("fingerprint",),
    added=(*_ADDED, "events_thinned"),
    largest=("longest_us", "last_seen"),
    smallest=("first_seen",),
    replaced=_PLACE,
    with_largest=(("last_release", "last_seen"),),
    with_smallest=(("first_release", "first_seen"),),
)
_HOURS = Merge(
    unique=("finding_id", "hour", "method", "route", "release"), added=(*_ADDED, *COLUMNS), largest=("longest_us",)
)
_ROUTES = Merge(
    unique=("hours", "start", "method", "route"),
    added=(*_ADDED, "waits", "waited_us"),
    largest=("longest_us", "longest_wait_us"),
)

_Row = TypeVar("_Row", Finding, HourlyTotal, RouteTotal)


def only_adds(delta: FindingDelta) -> bool:
    """Whether the delta adds events everywhere and takes nothing away."""
    hours = delta.hours.values()
    return delta.impact.events > 0 and all(
        hour.impact.events > 0 and min(hour.columns.values(), default=0) >= 0 for hour in hours
    )


def count_findings(alias: str, release: str, deltas: Mapping[str, FindingDelta]) -> None:
    """Add to the findings, in the order given."""
    if are_supported(alias) and all(map(only_adds, deltas.values())):
        rows = [_finding(fingerprint, release, delta) for fingerprint, delta in deltas.items()]
        for row, delta in zip(rows, deltas.values(), strict=True):
            row.events_thinned = delta.thinned
            _set_impact(row, delta.impact)
        upsert(alias, rows, _FINDINGS)
    else:
        for fingerprint, delta in deltas.items():
            _count_finding(alias, fingerprint, release, delta)


def count_hours(alias: str, release: str, deltas: Iterable[tuple[int, FindingDelta]]) -> None:
    """Add to the hourly totals of findings, which are given by id and whose rows this transaction has locked."""
    rows = list[HourlyTotal]()
    for finding_id, delta in deltas:
        together = are_supported(alias) and only_adds(delta)
        for key, hour in delta.hours.items():
            row = HourlyTotal(
                finding_id=finding_id, hour=as_stored(key.hour), method=key.method, route=key.route, release=release
            )
            if together:
                _set_impact(row, hour.impact)
                for column, change in hour.columns.items():
                    setattr(row, column, change)
                rows.append(row)
            else:
                _count_hour(alias, row, hour)
    upsert(alias, rows, _HOURS)


def count_routes(alias: str, routes: Mapping[HourKey, RouteDelta]) -> None:
    """Add to the hours and days of routes, in the order given, which is the same in every process."""
    by_day = defaultdict[HourKey, RouteDelta](RouteDelta)
    for key, delta in routes.items():
        by_day[key._replace(hour=key.hour.replace(hour=0))].add(delta)
    rows = [
        *(_route(RouteTotal.Hours.HOUR, key, delta) for key, delta in routes.items()),
        *(_route(RouteTotal.Hours.DAY, key, delta) for key, delta in by_day.items()),
    ]
    if are_supported(alias):
        upsert(alias, rows, _ROUTES)
        return
    for row in rows:
        unique = {column: getattr(row, column) for column in _ROUTES.unique}
        changes = {
            **{column: F(column) + getattr(row, column) for column in _ROUTES.added},
            **{column: Greatest(column, Value(getattr(row, column))) for column in _ROUTES.largest},
        }
        _add(RouteTotal.objects.using(alias).filter(**unique), changes, RouteTotal(**unique), events=1)


def _route(hours: RouteTotal.Hours, key: HourKey, delta: RouteDelta) -> RouteTotal:
    row = RouteTotal(hours=hours, start=as_stored(key.hour), method=key.method, route=key.route)
    _set_impact(row, delta.caused)
    row.waits = delta.suffered.requests_delayed
    row.waited_us = delta.suffered.delay_us
    row.longest_wait_us = delta.suffered.longest_us
    return row


def _finding(fingerprint: str, release: str, delta: FindingDelta) -> Finding:
    return Finding(
        fingerprint=fingerprint,
        blocking_call=text(delta.place.method_name, 300),
        function=text(delta.place.function, 300),
        first_seen=as_stored(delta.first_seen),
        last_seen=as_stored(delta.last_seen),
        first_release=release,
        last_release=release,
        **_place_columns(delta.place),
    )


def _set_impact(row: ImpactColumns, impact: Impact) -> None:
    for column, figure in impact.columns().items():
        setattr(row, column, figure)


def _count_finding(alias: str, fingerprint: str, release: str, delta: FindingDelta) -> None:
    new = _finding(fingerprint, release, delta)
    changes = _increments(delta.impact) | {
        "events_thinned": F("events_thinned") + delta.thinned,
        "first_seen": Least("first_seen", Value(new.first_seen)),
        "last_seen": Greatest("last_seen", Value(new.last_seen)),
        "first_release": Case(When(first_seen__gt=new.first_seen, then=Value(release)), default="first_release"),
        "last_release": Case(When(last_seen__lte=new.last_seen, then=Value(release)), default="last_release"),
    }
    findings = Finding.objects.using(alias).filter(fingerprint=fingerprint)
    _add(findings, changes | _place_columns(delta.place), new, delta.impact.events)


def _count_hour(alias: str, new: HourlyTotal, delta: HourDelta) -> None:
    changes = _increments(delta.impact)
    for column, change in delta.columns.items():
        if change > 0:
            changes[column] = F(column) + change
        elif change < 0:
            # The hour this stall was first counted in may have been deleted since.
            changes[column] = Greatest(F(column) + change, Value(0))
    unique = {column: getattr(new, column) for column in _HOURS.unique}
    _add(HourlyTotal.objects.using(alias).filter(**unique), changes, new, delta.impact.events)


def _add(rows: QuerySet[_Row], changes: dict[str, Any], new: _Row, events: int) -> None:
    """Update the one row; where it does not exist, insert it first, unless another process just did.

    No row is made for a delta without an event: somebody deleted it while the stall went on.
    """
    if not rows.update(**changes) and events:
        rows.bulk_create([new], ignore_conflicts=True)
        if not rows.update(**changes):
            raise OperationalError(f"{new!r} could neither be inserted nor updated")


def _increments(impact: Impact) -> dict[str, Any]:
    added = {column: F(column) + getattr(impact, column) for column in _ADDED}
    return {**added, "longest_us": Greatest("longest_us", Value(impact.longest_us))}


def _place_columns(place: Place) -> dict[str, Any]:
    return {
        "filename": path_text(shorten(place.filename), 500),
        "lineno": integer(place.lineno),
        "source": text(place.source, 500),
        "cause": text(place.cause, 20),
        "is_c_call": place.is_c_call,
        "exact": place.exact,
    }
