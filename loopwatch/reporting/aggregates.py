"""Sums up stored figures, in the database and then in Python."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, QuerySet, Sum

from loopwatch import impact
from loopwatch.histogram import COLUMNS, percentile_ms
from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.models import HourlyTotal
from loopwatch.stored_time import as_stored

IMPACT = tuple(Max(column) if column == "longest_us" else Sum(column) for column in impact.COLUMNS)
"""Aggregates for ``annotate()``, in the order of the fields of ``Impact``."""

_NO_COUNTS = (0,) * len(COLUMNS)


@dataclass(frozen=True, slots=True)
class Sums:
    """An impact and its histogram of durations, which is all zeros where none is stored."""

    impact: Impact = NO_IMPACT
    counts: tuple[int, ...] = _NO_COUNTS

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.impact + other.impact, tuple(map(sum, zip(self.counts, other.counts, strict=True))))

    @property
    def p95_ms(self) -> float | None:
        """The estimate to the microsecond; ``None`` where no histogram is stored."""
        if not any(self.counts):
            return None
        return round(self.percentile_ms(0.95), 3)

    def percentile_ms(self, fraction: float) -> float:
        """Estimate a percentile; 0.0 where no histogram is stored."""
        # A stall that goes on is an event with a duration so far, but is not in the histogram yet.
        is_complete = sum(self.counts) == self.impact.events
        total_ms = self.impact.blocked_us / 1000 if is_complete else None
        return percentile_ms(self.counts, fraction, self.impact.longest_us / 1000, total_ms)


NO_SUMS = Sums()


def hourly_totals(since: datetime | None, using: str | None) -> QuerySet[HourlyTotal]:
    """Select the hours that begin at ``since`` (aware) or later; all hours without it."""
    totals = HourlyTotal.objects.using(using)
    if since is None:
        return totals
    return totals.filter(hour__gte=as_stored(since))


def sums_of(totals: QuerySet[HourlyTotal], *keys: str) -> Iterator[tuple[int, tuple[str, ...], Sums]]:
    """Yield each finding's id, the values of ``keys``, and the sums of the totals that share them. Runs one query."""
    rows = totals.values_list("finding_id", *keys).annotate(*IMPACT, *map(Sum, COLUMNS))
    first = 1 + len(keys)
    for row in rows.order_by():
        figures, counts = row[first : first + len(IMPACT)], row[first + len(IMPACT) :]
        yield row[0], row[1:first], Sums(Impact(*figures), tuple(counts))
