"""Selects the findings and the period of a report."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from loopwatch.models import Finding, HourlyTotal
from loopwatch.reporting.aggregates import hourly_totals
from loopwatch.stored_time import whole_hour

ALL = "all"
STATUSES = (*Finding.Status.values, ALL)
SORTS = {
    "impact": "total_us",
    "blocked": "blocked_us",
    "events": "events",
    "longest": "longest_us",
    "p95": "p95_ms",
    "last-seen": "last_seen",
    "delay": "total_delay_us",
}
"""The figure to sort by, largest first, by the name of the option."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The first ``limit`` findings of a status (or ``ALL``), the largest first by ``sort``, a key of ``SORTS``.

    ``since`` is aware. ``using`` is the database's alias; by default the router decides.
    """

    since: datetime | None = None
    status: str = Finding.Status.OPEN
    sort: str = "impact"
    limit: int = 20
    using: str | None = None

    @property
    def begin(self) -> datetime | None:
        """The beginning of the hour that contains ``since``, where hourly totals can be cut."""
        return self.since and whole_hour(self.since)

    @property
    def stored(self) -> QuerySet[Finding]:
        """All findings, of any status."""
        return Finding.objects.using(self.using)

    @property
    def findings(self) -> QuerySet[Finding]:
        """The findings of the selected status."""
        return self.stored if self.status == ALL else self.stored.filter(status=self.status)

    @property
    def totals(self) -> QuerySet[HourlyTotal]:
        """The hourly totals of these findings in the period."""
        totals = hourly_totals(self.begin, self.using)
        return totals if self.status == ALL else totals.filter(finding__in=self.findings)
