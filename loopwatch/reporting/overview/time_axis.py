"""Defines the spans of time that an overview can show, and divides each into bars."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loopwatch.models import LoopTime
from loopwatch.stored_time import whole_hour

DAY = timedelta(days=1)
Minutes = LoopTime.Minutes


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A span of time with at least so many ``bars``.

    ``rows`` is the kind of loop times it is drawn from; ``None`` for the days of routes.
    """

    key: str
    label: Promise
    bars: int
    bar: timedelta
    bar_label: Promise
    rows: LoopTime.Minutes | None


SPANS = {
    span.key: span
    for span in (
        TimeSpan("1h", _("last hour"), 60, timedelta(minutes=1), _("minute"), Minutes.MINUTE),
        TimeSpan("24h", _("24 hours"), 96, timedelta(minutes=15), _("quarter of an hour"), Minutes.MINUTE),
        TimeSpan("7d", _("7 days"), 168, timedelta(hours=1), _("hour"), Minutes.HOUR),
        TimeSpan("30d", _("30 days"), 30, DAY, _("day"), Minutes.HOUR),
        TimeSpan("1y", _("a year"), 365, DAY, _("day"), None),
    )
}
DEFAULT = SPANS["24h"]


class TimeAxis:
    """The bars of a span that ends now. Moments are aware, and days are those of the current time zone.

    Bars shorter than a day begin with a whole hour (UTC), as hourly totals do, so that all figures are of one time.
    There may be more of them than the span names.
    """

    def __init__(self, span: TimeSpan, now: datetime) -> None:
        self.span = span
        self._is_days = span.bar == DAY
        self._first_day = timezone.localtime(now).date() - (span.bars - 1) * DAY
        this_bar = now - (now - whole_hour(now)) % span.bar
        self._first = whole_hour(this_bar - (span.bars - 1) * span.bar)
        self.bars = span.bars if self._is_days else (this_bar - self._first) // span.bar + 1

    @property
    def is_chosen(self) -> bool:
        """Whether the axis is between two chosen moments, rather than a named span until now."""
        return not self.span.key

    @property
    def begin(self) -> datetime:
        """The beginning of the first bar."""
        return self.start(0)

    @property
    def end(self) -> datetime:
        """The end of the last bar, which is in the future if the axis ends now."""
        return self.start(self.bars)

    @property
    def first_day_utc(self) -> datetime:
        """The beginning of the first bar's day in UTC, for totals by day."""
        return datetime.combine(self._first_day, time.min, UTC)

    @property
    def length(self) -> timedelta:
        """The length of all bars."""
        return self.bars * self.span.bar

    @property
    def end_day_utc(self) -> datetime:
        """The end of the last bar's day in UTC, for totals by day. West of Greenwich, the next one may have begun."""
        return self.first_day_utc + (self.bars + (0 if self.is_chosen else 1)) * DAY

    def index_of_day(self, start: datetime) -> int:
        """Return the bar of the UTC day that begins at ``start``. West of Greenwich, that may be before today ends."""
        return min((start.astimezone(UTC).date() - self._first_day).days, self.bars - 1)

    def start(self, index: int) -> datetime:
        """Return the beginning of a bar."""
        if self._is_days:
            return timezone.make_aware(datetime.combine(self._first_day + index * DAY, time.min))
        return self._first + index * self.span.bar

    def index(self, at: datetime) -> int:
        """Return the index of a moment's bar, which may be outside of the span."""
        if self._is_days:
            return (timezone.localtime(at).date() - self._first_day).days
        return (at - self._first) // self.span.bar


_KEPT_MINUTES, _KEPT_HOURS = timedelta(hours=50), timedelta(days=32)
_LONGEST = timedelta(days=366)
_OLDEST = 10 * _LONGEST
_BARS = (
    # Up to which length, up to which age: as long as the writer keeps the rows.
    (timedelta(hours=3), _KEPT_MINUTES, timedelta(minutes=1), Minutes.MINUTE),
    (timedelta(hours=26), _KEPT_MINUTES, timedelta(minutes=15), Minutes.MINUTE),
    (timedelta(days=8), _KEPT_HOURS, timedelta(hours=1), Minutes.HOUR),
    (_KEPT_HOURS, _KEPT_HOURS, DAY, Minutes.HOUR),
)
_BAR_LABELS = {span.bar: span.bar_label for span in SPANS.values()}


def has_minutes(moment: datetime, now: datetime) -> bool:
    """Return whether the minutes of a moment are still kept."""
    return now - moment <= _KEPT_MINUTES


def has_hours(moment: datetime, now: datetime) -> bool:
    """Return whether the hours of a moment are still kept."""
    return now - moment <= _KEPT_HOURS


def axis_between(begin: datetime, end: datetime, now: datetime) -> TimeAxis | None:
    """Return the axis of whole hours, or days, from ``begin`` to ``end``, all aware; ``None`` if it shows no past.

    It ends with the current hour at the latest, and is at most a year long.
    """
    if not now - _OLDEST <= begin < min(end, now):
        return None
    begin, end = whole_hour(begin), _end_of_hour(min(end, now))
    begin = max(begin, end - _LONGEST)
    kept = ((bar, rows) for longest, oldest, bar, rows in _BARS if end - begin <= longest and now - begin <= oldest)
    bar, rows = next(kept, (DAY, None))
    last = end - timedelta(microseconds=1)
    days = (timezone.localtime(last).date() - timezone.localtime(begin).date()).days + 1
    bars = days if bar == DAY else (end - begin) // bar
    return TimeAxis(TimeSpan("", _("chosen time"), bars, bar, _BAR_LABELS[bar], rows), last)


def _end_of_hour(moment: datetime) -> datetime:
    begin = whole_hour(moment)
    return begin if begin == moment else begin + timedelta(hours=1)
