"""Says how many of the stalls that a list stands for are stored in detail: totals count all, events are limited."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet, Sum
from django.utils import timezone

from loopwatch.admin.event_links import OF_FINDING
from loopwatch.admin.time_range import PARAMETERS
from loopwatch.admin.timed_lists import EventChangeList
from loopwatch.models import HourlyTotal, LoopTime, RouteTotal
from loopwatch.stored_time import as_stored, whole_hour

_IN_MINUTES, _IN_HOURS = timedelta(hours=26), timedelta(days=31)
"""As far back as the overview draws bars from minutes, and from hours."""
_ORDER_AND_PAGE = {"o", "p"}


@dataclass(frozen=True, slots=True)
class StoredShare:
    """The number of ``stalls`` in the time of a list, ``None`` if unknown, and how many of them are ``stored``."""

    stalls: int | None
    stored: int


def stored_share(changelist: EventChangeList, using: str | None) -> StoredShare | None:
    """Count the stalls by one query; ``None`` for a list of any time."""
    if changelist.range is None:
        return None
    begin, end, query = changelist.range.begin, changelist.range.end, changelist.params
    finding_id = query.get(OF_FINDING)
    if set(query) - _ORDER_AND_PAGE - {*PARAMETERS, OF_FINDING}:
        stalls = None  # no total is kept by the other filters
    elif finding_id is None:
        stalls = _stalls_of_all(begin, end, using)
    elif begin == whole_hour(begin) and end == whole_hour(end):
        hours = HourlyTotal.objects.using(using).filter(hour__gte=as_stored(begin), hour__lt=as_stored(end))
        stalls = _sum(hours.filter(finding__pk=finding_id))
    else:
        stalls = None
    return StoredShare(stalls, changelist.result_count)


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
