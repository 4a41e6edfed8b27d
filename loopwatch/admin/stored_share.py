"""Says how many of the stalls that a list stands for are stored in detail: totals count all, events are limited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet, Sum
from django.utils import timezone

from loopwatch.admin.event_links import FROM, OF_FINDING, TO
from loopwatch.admin.time_range import moment
from loopwatch.models import HourlyTotal, LoopTime, RouteTotal
from loopwatch.stored_time import as_stored, whole_hour

_IN_MINUTES, _IN_HOURS = timedelta(hours=26), timedelta(days=31)
"""As far back as the overview draws bars from minutes, and from hours."""
_ORDER_AND_PAGE = {"o", "p"}


@dataclass(frozen=True, slots=True)
class StoredShare:
    """A span of time, the number of ``stalls`` in it, and how many of them are ``stored``; ``None`` if unknown."""

    begin: datetime
    end: datetime
    stalls: int | None
    stored: int


def stored_share(query: Mapping[str, str], stored: int, using: str | None) -> StoredShare | None:
    """Count the stalls by one query; ``None`` if the query string of the list names no span of time."""
    begin, end = moment(query.get(FROM)), moment(query.get(TO))
    if begin is None or end is None:
        return None
    finding_id = query.get(OF_FINDING)
    if set(query) - _ORDER_AND_PAGE - {FROM, TO, OF_FINDING}:
        stalls = None  # no total is kept by the other filters
    elif finding_id is None:
        stalls = _stalls_of_all(begin, end, using)
    elif begin == whole_hour(begin) and end == whole_hour(end):
        hours = HourlyTotal.objects.using(using).filter(hour__gte=as_stored(begin), hour__lt=as_stored(end))
        stalls = _sum(hours.filter(finding__pk=finding_id))
    else:
        stalls = None
    return StoredShare(begin, end, stalls, stored)


def _stalls_of_all(begin: datetime, end: datetime, using: str | None) -> int:
    age = datetime.now(UTC) - begin
    if age < _IN_HOURS:
        minutes = LoopTime.Minutes.MINUTE if age < _IN_MINUTES else LoopTime.Minutes.HOUR
        times = LoopTime.objects.using(using).filter(minutes=minutes)
        return _sum(times.filter(start__gte=as_stored(begin), start__lt=as_stored(end)))
    # Days in UTC stand for those of the reader, as in the chart of a year.
    days = [
        as_stored(datetime.combine(timezone.localtime(each).date(), datetime.min.time(), UTC)) for each in (begin, end)
    ]
    totals = RouteTotal.objects.using(using).filter(hours=RouteTotal.Hours.DAY)
    return _sum(totals.filter(start__gte=days[0], start__lt=days[1]))


def _sum(rows: QuerySet[HourlyTotal] | QuerySet[LoopTime] | QuerySet[RouteTotal]) -> int:
    return int(rows.aggregate(stalls=Sum("events"))["stalls"] or 0)
