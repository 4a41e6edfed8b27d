"""Reads the time that a page shows from its address: ``span`` until now, or ``from`` one moment ``to`` another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from loopwatch.reporting.overview import DEFAULT, SPANS, TimeAxis, axis_between
from loopwatch.stored_time import as_aware

_WIDER = tuple(map(timedelta, (1, 7, 30, 366)))


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The time of a page, and the query strings that lead to others; each empty if there is none.

    ``kept`` is what else the address of the page names.
    """

    axis: TimeAxis
    kept: list[tuple[str, str]]
    earlier: str
    later: str
    wider: str

    @property
    def prefix(self) -> str:
        """The beginning of every query string of the page."""
        return urlencode(self.kept) + "&" if self.kept else ""

    @property
    def query(self) -> str:
        if self.axis.is_chosen:
            return range_query(self.axis.begin, self.axis.end)
        return urlencode({"span": self.axis.span.key})

    @property
    def begin_value(self) -> str:
        """The beginning in the form of HTML's input fields."""
        return _local(self.axis.begin)

    @property
    def end_value(self) -> str:
        return _local(self.axis.end)


def time_range(query: Mapping[str, str], now: datetime) -> TimeRange:
    """Return the time that a query string asks for; the default span if it names none, or one without a past."""
    begin, end = moment(query.get("from")), moment(query.get("to"))
    axis = axis_between(begin, end or now, now) if begin else None
    if axis is None:
        axis = TimeAxis(SPANS.get(query.get("span", ""), DEFAULT), now)
    length = axis.end - axis.begin
    return TimeRange(
        axis=axis,
        kept=[(name, query[name]) for name in ("method", "route") if name in query],
        earlier=range_query(axis.begin - length, axis.begin),
        later=range_query(axis.end, axis.end + length) if axis.end <= now else "",
        wider=_around(axis, now) if axis.is_chosen else "",
    )


def range_query(begin: datetime, end: datetime) -> str:
    """Return the query string of the time between two aware moments."""
    return urlencode({"from": _local(begin), "to": _local(end)})


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


def _local(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


def _around(axis: TimeAxis, now: datetime) -> str:
    """Return the next larger time around the axis."""
    length = axis.end - axis.begin
    wider = next((each for each in _WIDER if each > length * 2), None)
    if wider is None:
        return ""
    end = min(axis.begin + length / 2 + wider / 2, now)
    return range_query(end - wider, end)
