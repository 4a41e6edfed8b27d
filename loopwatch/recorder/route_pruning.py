"""Keeps the totals of routes few: every hour and day has one for each route that blocked or waited.

Totals by hour of all findings are deleted when pages show only days. In older history, the routes with the most impact
keep their names, and the others are added up in one row, so that all sums stay exact.
"""

from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import islice
from operator import add
from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet

from loopwatch.models import OTHER_ROUTES, HourlyTotal, RouteTotal
from loopwatch.recorder.counters import HOURS, ROUTES
from loopwatch.recorder.upserts import Merge, upsert
from loopwatch.stored_time import as_aware, as_stored

DAY = timedelta(days=1)
HOURS_KEPT = timedelta(days=41)
"""As far back as bars of hours go, with as much time before, to which they are compared."""
ROUTES_KEPT = 100
"""How many routes of a day, and of an hour of one finding, keep their names."""
ROWS_PER_FOLD = 500
FOLDS_PER_RUN = 20
_OF_HOUR = "finding_id", "hour", "release"


def prune_route_hours(alias: str, now: datetime) -> None:
    """Delete a bounded number of hours that are too old; days count the same stalls."""
    rows = RouteTotal.objects.using(alias)
    old = rows.filter(hours=RouteTotal.Hours.HOUR, start__lt=as_stored(now - HOURS_KEPT)).order_by("start")
    if ids := list(old.values_list("pk", flat=True)[:ROWS_PER_FOLD]):
        rows.filter(pk__in=ids).delete()


class RouteFolding:
    """Goes through history, one day at a time, and adds up the routes of little impact. Used by one thread."""

    def __init__(self) -> None:
        self._done: datetime | None = None

    def run(self, alias: str, oldest: datetime) -> None:
        """Fold a bounded number of rows of one day that is over by ``oldest`` (as stored)."""
        days = RouteTotal.objects.using(alias).filter(hours=RouteTotal.Hours.DAY, start__lte=oldest - DAY)
        if self._done is not None:
            days = days.filter(start__gt=self._done)
        day = days.order_by("start").values_list("start", flat=True).first()
        if day is None:
            return
        folds = (_fold(alias, rows, merge) for rows, merge in _groups(alias, day))
        if not sum(islice(filter(None, folds), FOLDS_PER_RUN)):
            self._done = day


def _groups(alias: str, day: datetime) -> Iterator[tuple[QuerySet[Any], Merge]]:
    """Yield the rows of a day that belong together, and how they are added up."""
    yield RouteTotal.objects.using(alias).filter(hours=RouteTotal.Hours.DAY, start=day), ROUTES
    hours = HourlyTotal.objects.using(alias)
    end = as_stored(as_aware(day).astimezone(UTC) + DAY)
    counts = hours.filter(hour__gte=day, hour__lt=end).order_by().values_list(*_OF_HOUR).annotate(rows=Count("pk"))
    for *group, _ in list(counts.filter(rows__gt=ROUTES_KEPT)):
        yield hours.filter(**dict(zip(_OF_HOUR, group, strict=True))), HOURS


def _fold(alias: str, group: QuerySet[Any], merge: Merge) -> bool:
    """Add up some routes of a group. Returns whether there were any."""
    impact = reduce(add, (F(column) for column in merge.added if column.endswith("_us")))
    named = group.exclude(route=OTHER_ROUTES).order_by(impact.desc(), "pk")
    ids = list(named.values_list("pk", flat=True)[ROUTES_KEPT : ROUTES_KEPT + ROWS_PER_FOLD])
    some = group.model.objects.using(alias).filter(pk__in=ids)
    if not ids:
        return False
    with transaction.atomic(using=alias):
        some.update(events=F("events"))  # a write, which locks the rows, because a process may still add to them
        rows = list(some)
        some.delete()
        if rows:
            upsert(alias, [_together(rows, merge)], merge)
    return True


def _together(rows: list[Any], merge: Merge) -> Any:
    together = copy(rows[0])
    together.pk, together.method, together.route = None, "", OTHER_ROUTES
    for combine, columns in ((sum, merge.added), (max, merge.largest)):
        for column in columns:
            setattr(together, column, combine(getattr(row, column) for row in rows))
    return together
