"""Builds a report from the store: a handful of queries, whatever the number of findings."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import NamedTuple

from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.utils import timezone

from loopwatch.histogram import COLUMNS, percentile_ms
from loopwatch.models import Finding, HourlyTotal
from loopwatch.reporting.health import recording_health
from loopwatch.reporting.report import Report, ReportedFinding, Totals
from loopwatch.reporting.routes import routes_of
from loopwatch.reporting.since import whole_hour

ALL = "all"
STATUSES = (*Finding.Status.values, ALL)
SORTS = {
    "blocked": "blocked_us",
    "events": "events",
    "longest": "longest_us",
    "p95": "p95_ms",
    "last-seen": "last_seen",
    "delay": "delay_us",
}
# Databases limit the parameters of one query.
_BATCH = 500


class _Figures(NamedTuple):
    """A finding's figures in the period, in the order in which the queries select them."""

    finding_id: int
    last_seen: datetime
    events: int
    blocked_us: int
    longest_us: int
    requests_delayed: int
    delay_us: int


def build_report(*, since: datetime | None, limit: int, sort: str, status: str, using: str | None = None) -> Report:
    """Report the first ``limit`` findings of a status (or ``ALL``), the largest first by ``sort``, a key of ``SORTS``.

    With ``since`` (aware) the figures are those of the hourly totals from the beginning of the hour that contains it.
    """
    since = since and whole_hour(since)
    findings = Finding.objects.using(using)
    matching = findings if status == ALL else findings.filter(status=status)
    figures = _figures(matching, since)
    shown = _largest(figures, sort, since, using)[:limit]
    return Report(
        generated_at=datetime.now(UTC),
        since=since,
        status=status,
        stored=findings.count(),
        totals=Totals(len(figures), sum(row.events for row in figures), sum(row.blocked_us for row in figures) / 1000),
        findings=tuple(
            finding
            for start in range(0, len(shown), _BATCH)
            for finding in _reported(shown[start : start + _BATCH], since, using)
        ),
        health=recording_health(using),
    )


def _figures(matching: QuerySet[Finding], since: datetime | None) -> list[_Figures]:
    if since is None:
        return [_Figures(*row) for row in matching.values_list("pk", *_Figures._fields[1:])]
    totals = _hourly(since, matching.db).filter(finding__in=matching)
    rows = totals.values_list("finding_id", "finding__last_seen").annotate(
        Sum("events"), Sum("blocked_us"), Max("longest_us"), Sum("requests_delayed"), Sum("delay_us")
    )
    return [_Figures(*row) for row in rows]


def _largest(figures: list[_Figures], sort: str, since: datetime | None, using: str | None) -> list[_Figures]:
    """Sort by what was asked, then by the time blocked, then oldest first: always the same order."""
    in_order = sorted(figures, key=lambda row: (-row.blocked_us, row.finding_id))
    if sort == "p95":
        p95_ms = _percentiles_ms(figures, since, using)
        return sorted(in_order, key=lambda row: p95_ms.get(row.finding_id, 0.0), reverse=True)
    return sorted(in_order, key=attrgetter(SORTS[sort]), reverse=True)


def _percentiles_ms(figures: Sequence[_Figures], since: datetime | None, using: str | None) -> dict[int, float]:
    longest_ms = {row.finding_id: row.longest_us / 1000 for row in figures}
    return {
        finding_id: round(percentile_ms(counts, 0.95, longest_ms[finding_id]), 3)
        for start in range(0, len(figures), _BATCH)
        for finding_id, counts in _histograms(figures[start : start + _BATCH], since, using)
    }


def _histograms(
    figures: Sequence[_Figures], since: datetime | None, using: str | None
) -> Iterator[tuple[int, list[int]]]:
    totals = _hourly(since, using).filter(finding__in=[row.finding_id for row in figures])
    for finding_id, *counts in totals.values_list("finding_id").annotate(*map(Sum, COLUMNS)):
        yield finding_id, counts


def _reported(figures: Sequence[_Figures], since: datetime | None, using: str | None) -> Iterator[ReportedFinding]:
    ids = [row.finding_id for row in figures]
    findings = Finding.objects.using(using).in_bulk(ids)
    routes = routes_of(_hourly(since, using).filter(finding__in=ids))
    p95_ms = _percentiles_ms(figures, since, using)
    for row in figures:
        # A finding may have been deleted since its figures were read.
        if finding := findings.get(row.finding_id):
            names = tuple(route.name for route in routes.get(row.finding_id, ()) if route.name)
            yield _reported_finding(finding, row, p95_ms.get(row.finding_id), names)


def _reported_finding(
    finding: Finding, row: _Figures, p95_ms: float | None, routes: tuple[str, ...]
) -> ReportedFinding:
    return ReportedFinding(
        fingerprint=finding.fingerprint,
        blocking_call=finding.blocking_call,
        function=finding.function,
        filename=finding.filename,
        lineno=finding.lineno,
        events=row.events,
        blocked_ms=row.blocked_us / 1000,
        longest_ms=row.longest_us / 1000,
        p95_ms=p95_ms,
        first_seen=_aware(finding.first_seen),
        last_seen=_aware(finding.last_seen),
        routes=routes,
        status=finding.status,
        reopened=finding.status == Finding.Status.OPEN and finding.reopened_at is not None,
        cause=finding.cause,
        exact=finding.exact,
        requests_delayed=row.requests_delayed,
        delay_ms=row.delay_us / 1000,
    )


def _hourly(since: datetime | None, using: str | None) -> QuerySet[HourlyTotal]:
    totals = HourlyTotal.objects.using(using)
    if since is None:
        return totals
    return totals.filter(hour__gte=since if settings.USE_TZ else timezone.make_naive(since))


def _aware(moment: datetime) -> datetime:
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
