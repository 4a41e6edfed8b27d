"""Sums of hourly totals, taken by the database for each finding and added up further here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.utils import timezone

from loopwatch.histogram import COLUMNS, percentile_ms
from loopwatch.models import HourlyTotal

_NO_COUNTS = (0,) * len(COLUMNS)


@dataclass(slots=True)
class Sums:
    """Figures that can be added up; ``counts`` is the histogram, all zeros where there is none."""

    events: int = 0
    blocked_us: int = 0
    longest_us: int = 0
    requests_delayed: int = 0
    delay_us: int = 0
    counts: tuple[int, ...] = field(default=_NO_COUNTS)

    def add(self, other: "Sums") -> None:
        """Count the other's events too."""
        self.events += other.events
        self.blocked_us += other.blocked_us
        self.longest_us = max(self.longest_us, other.longest_us)
        self.requests_delayed += other.requests_delayed
        self.delay_us += other.delay_us
        self.counts = tuple(map(sum, zip(self.counts, other.counts, strict=True)))

    @property
    def p95_ms(self) -> float | None:
        if not any(self.counts):
            return None
        return round(percentile_ms(self.counts, 0.95, self.longest_us / 1000), 3)


def hourly_totals(since: datetime | None, using: str | None) -> QuerySet[HourlyTotal]:
    """Those of the hours that begin at ``since`` (aware) or later; all of them without."""
    totals = HourlyTotal.objects.using(using)
    if since is None:
        return totals
    return totals.filter(hour__gte=stored_moment(since))


def sums_of(totals: QuerySet[HourlyTotal], *keys: str) -> Iterator[tuple[int, tuple[str, ...], Sums]]:
    """The id of each finding, the values of ``keys``, and the sums of the totals that share them, in one query."""
    rows = totals.values_list("finding_id", *keys).annotate(
        Sum("events"),
        Sum("blocked_us"),
        Max("longest_us"),
        Sum("requests_delayed"),
        Sum("delay_us"),
        *map(Sum, COLUMNS),
    )
    first = 1 + len(keys)
    for row in rows.order_by():
        events, blocked_us, longest_us, requests_delayed, delay_us, *counts = row[first:]
        sums = Sums(events, blocked_us, longest_us, requests_delayed, delay_us, tuple(counts))
        yield row[0], row[1:first], sums


def stored_moment(moment: datetime) -> datetime:
    """An aware moment as the store has it: naive on a site without ``USE_TZ``."""
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def aware(moment: datetime) -> datetime:
    """The moment with its offset, also on a site without ``USE_TZ``."""
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
