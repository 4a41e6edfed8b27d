"""Finds the findings with the largest impact: the time they blocked and the delay they caused to other requests."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import CombinedExpression

from loopwatch.impact import Impact
from loopwatch.models import Finding, HourlyTotal
from loopwatch.reporting.aggregates import IMPACT
from loopwatch.reporting.overview.time_axis import TimeAxis
from loopwatch.stored_time import as_stored

SHOWN = 8
CANDIDATES = 10
"""For a year, the worst findings are searched among so many: those of all time that happened in that year."""


@dataclass(frozen=True, slots=True)
class WorstFinding:
    """A finding and its ``share`` of the total impact."""

    finding: Finding
    impact: Impact
    share: float


@dataclass(frozen=True, slots=True)
class WorstFindings:
    """The findings with the largest impact first.

    ``ignored`` counts those left out because they are ignored, and ``open`` all open findings at any time.
    """

    findings: list[WorstFinding]
    ignored: int
    open: int


def worst_findings(axis: TimeAxis, all_us: int, using: str | None) -> WorstFindings:
    """Find them in the hours of the axis, by three queries; ``all_us`` is the total impact of that time."""
    begin, end = as_stored(axis.begin), as_stored(axis.end)
    happened = Finding.objects.using(using).filter(last_seen__gte=begin, first_seen__lt=end)
    hours = HourlyTotal.objects.using(using).filter(hour__gte=begin, hour__lt=end)
    is_year = axis.span.rows is None
    impacts = _of_a_year(happened, hours, begin, end) if is_year else _by_hours(hours)
    return WorstFindings(
        findings=[
            WorstFinding(finding, impact, min(1.0, impact.total_us / (all_us or 1))) for finding, impact in impacts
        ],
        **Finding.objects.using(using).aggregate(
            ignored=Count("pk", filter=Q(status=Finding.Status.IGNORED, last_seen__gte=begin, first_seen__lt=end)),
            open=Count("pk", filter=Q(status=Finding.Status.OPEN)),
        ),
    )


def _by_hours(hours: QuerySet[HourlyTotal]) -> list[tuple[Finding, Impact]]:
    ignored = Finding.objects.using(hours.db).filter(status=Finding.Status.IGNORED)
    impacts = _summed(hours.exclude(finding__in=ignored), limit=SHOWN)
    findings = Finding.objects.using(hours.db).in_bulk(impacts)
    # A finding may have been deleted since its figures were read.
    return _ordered((findings[pk], impact) for pk, impact in impacts.items() if pk in findings)


def _of_a_year(
    happened: QuerySet[Finding], hours: QuerySet[HourlyTotal], begin: datetime, end: datetime
) -> list[tuple[Finding, Impact]]:
    """Use the totals of findings that happened only in that time, and add up hours for the others."""
    by_impact = happened.exclude(status=Finding.Status.IGNORED).order_by(total_us("").desc(), "pk")
    candidates = list(by_impact[:CANDIDATES])
    others = [finding.pk for finding in candidates if finding.first_seen < begin or finding.last_seen >= end]
    impacts = {finding.pk: finding.impact for finding in candidates if finding.pk not in others}
    impacts |= _summed(hours.filter(finding__in=others), limit=CANDIDATES)
    return _ordered((finding, impacts[finding.pk]) for finding in candidates if finding.pk in impacts)[:SHOWN]


def _summed(hours: QuerySet[HourlyTotal], limit: int) -> dict[int, Impact]:
    rows = hours.values_list("finding_id").annotate(*IMPACT)
    largest = rows.order_by(total_us("__sum").desc(), "finding_id")[:limit]
    return {finding_id: Impact(*figures) for finding_id, *figures in largest}


def total_us(suffix: str = "") -> CombinedExpression:
    """Add up ``Impact.total_us`` in the database. ``suffix`` is that of aggregates, as in ``"__sum"``."""
    return F(f"blocked_us{suffix}") + F(f"delay_us{suffix}") + F(f"kept_out_us{suffix}")


def _ordered(impacts: Iterable[tuple[Finding, Impact]]) -> list[tuple[Finding, Impact]]:
    return sorted(impacts, key=lambda each: (-each[1].total_us, each[0].pk))
