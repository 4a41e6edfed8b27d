"""The spans of time an overview may be of, and how each is divided into bars."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loopwatch.models import LoopTime

DAY = timedelta(days=1)
Minutes = LoopTime.Minutes


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """``rows`` are the loop times that it is drawn from; without them, the days of routes."""

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
    """The bars of a span that ends now. All moments are aware; days are those of the current time zone."""

    def __init__(self, span: TimeSpan, now: datetime) -> None:
        self.span = span
        self._is_days = span.bar == DAY
        self._first_day = timezone.localtime(now).date() - (span.bars - 1) * DAY
        midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        self._first = now - (now - midnight) % span.bar - (span.bars - 1) * span.bar

    @property
    def begin(self) -> datetime:
        """Where the first bar begins."""
        return self.start(0)

    @property
    def end(self) -> datetime:
        """Where the last bar ends, which is yet to come."""
        return self.start(self.span.bars)

    @property
    def first_day_utc(self) -> datetime:
        """Where the day of the first bar begins in UTC, for totals that are of such days."""
        return datetime.combine(self._first_day, time.min, UTC)

    def index_of_day(self, start: datetime) -> int:
        """The bar of the day (UTC) that begins at ``start``. West of Greenwich it may begin before today has ended."""
        return min((start.astimezone(UTC).date() - self._first_day).days, self.span.bars - 1)

    def start(self, index: int) -> datetime:
        """Where a bar begins."""
        if self._is_days:
            return timezone.make_aware(datetime.combine(self._first_day + index * DAY, time.min))
        return self._first + index * self.span.bar

    def index(self, at: datetime) -> int:
        """The bar that a moment belongs to, which may lie outside of the span."""
        if self._is_days:
            return (timezone.localtime(at).date() - self._first_day).days
        return (at - self._first) // self.span.bar
