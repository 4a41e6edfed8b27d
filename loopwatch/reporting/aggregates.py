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
        if not any(self.counts):
            return None
        return round(percentile_ms(self.counts, 0.95, self.impact.longest_us / 1000), 3)


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
