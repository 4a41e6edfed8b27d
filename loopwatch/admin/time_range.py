"""Reads the time that a page shows from its address: ``span`` until now, or ``from`` one moment ``to`` another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from loopwatch.reporting.overview import DEFAULT, SPANS, TimeAxis, axis_between
from loopwatch.stored_time import as_aware

PARAMETERS = ("span", "from", "to")
"""The parameters of an address that name a time."""
_NOT_KEPT = {*PARAMETERS, "p", "e"}
_LIST_FILTERS = "_changelist_filters"
_WIDER = (timedelta(hours=1), *map(timedelta, (1, 7, 30, 366)))


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The time of a page, and the query strings that lead to others; each empty if there is none.

    ``axis`` has the bars and totals of the time, and may be longer than from ``begin`` to ``end``.
    """

    axis: TimeAxis
    begin: datetime
    end: datetime
    earlier: str
    later: str
    wider: str

    @property
    def query(self) -> str:
        if self.axis.is_chosen:
            return range_query(self.begin, self.end)
        return urlencode({"span": self.axis.span.key})

    @property
    def begin_value(self) -> str:
        """The beginning in the form of HTML's input fields."""
        return _local(self.begin)

    @property
    def end_value(self) -> str:
        return _local(self.end)


def time_range(query: Mapping[str, str], now: datetime) -> TimeRange:
    """Return the time that a query string asks for; the default span if it names none, or one without a past."""
    return chosen_range(query, now) or _range_of(TimeAxis(DEFAULT, now), now)


def chosen_range(query: Mapping[str, str], now: datetime, *, is_exact: bool = False) -> TimeRange | None:
    """Return the time that a query string asks for, in whole hours or exactly; ``None`` if it names none."""
    begin, end = moment(query.get("from")), moment(query.get("to")) or now
    if begin and (axis := axis_between(begin, end, now)):
        return _range_of(axis, now, begin, end) if is_exact else _range_of(axis, now)
    span = SPANS.get(query.get("span", ""))
    return _range_of(TimeAxis(span, now), now) if span else None


def carried(query: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a time in the address of a page, or in that of the list that led to the page."""
    own = {name: query[name] for name in PARAMETERS if name in query}
    return own or {name: value for name, value in parse_qsl(query.get(_LIST_FILTERS, "")) if name in PARAMETERS}


def other_parameters(query: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what an address names beside a time; the page of a list is not kept."""
    return [(name, value) for name, value in query.items() if name not in _NOT_KEPT]


def range_query(begin: datetime, end: datetime) -> str:
    """Return the query string of the time between two aware moments."""
    return f"from={_in_utc(begin)}&to={_in_utc(end)}"


def moment(text: str | None) -> datetime | None:
    """Return the moment of a query string; ``None`` if it is no moment, or has no date in UTC or here."""
    try:
        naive_or_aware = parse_datetime(text) if text else None
        if naive_or_aware is None:
            return None
        found = as_aware(naive_or_aware).astimezone(UTC)
        timezone.localtime(found)
    except (ValueError, OverflowError):
        return None
    return found


def _range_of(axis: TimeAxis, now: datetime, begin: datetime | None = None, end: datetime | None = None) -> TimeRange:
    begin, end = begin or axis.begin, end or axis.end
    length = end - begin
    return TimeRange(
        axis=axis,
        begin=begin,
        end=end,
        earlier=range_query(begin - length, begin),
        later=range_query(end, end + length) if end <= now else "",
        wider=_around(begin, end, now) if axis.is_chosen else "",
    )


def _in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _local(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


def _around(begin: datetime, end: datetime, now: datetime) -> str:
    """Return the next larger time around another one."""
    length = end - begin
    wider = next((each for each in _WIDER if each > length * 2), None)
    if wider is None:
        return ""
    latest = min(begin + length / 2 + wider / 2, now)
    return range_query(latest - wider, latest)
