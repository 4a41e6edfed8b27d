"""Builds a report of findings, with a number of queries that does not depend on the number of findings."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import QuerySet

from loopwatch import impact
from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.models import Finding, HourlyTotal
from loopwatch.reporting.aggregates import IMPACT, hourly_totals, sums_of
from loopwatch.reporting.recording_health import recording_health
from loopwatch.reporting.release_change import Change
from loopwatch.reporting.report import Report, ReportedFinding, Totals
from loopwatch.reporting.route_impacts import RouteImpact, routes_of
from loopwatch.reporting.selection import SORTS, Selection
from loopwatch.reporting.thread_waits import reported_thread_waits, wait_sums
from loopwatch.stored_time import as_aware

# Databases limit the number of parameters in a query.
_BATCH = 500


class FindingFigures(NamedTuple):
    """A finding's impact in the period. ``last_seen`` is only used to sort by."""

    finding_id: int
    last_seen: datetime | None
    impact: Impact


def build_report(selection: Selection) -> Report:
    """Report the selected findings.

    With ``since``, the figures come from hourly totals, from the hour that contains ``since``.
    """
    figures = figures_of(selection)
    total = sum((row.impact for row in figures), NO_IMPACT)
    shown = _largest(figures, selection)[: selection.limit]
    thread_waits = reported_thread_waits(wait_sums(selection.begin, selection.using))
    return Report(
        generated_at=datetime.now(UTC),
        since=selection.begin,
        status=selection.status,
        stored=selection.stored.count(),
        totals=Totals(len(figures), total.events, total.blocked_us / 1000),
        findings=tuple(reported(shown, selection)),
        health=recording_health(selection.using),
        thread_waits=tuple(thread_waits[: selection.limit]),
        thread_waits_in_all=len(thread_waits),
    )


def figures_of(selection: Selection) -> list[FindingFigures]:
    """Return the figures of every selected finding that happened in the period."""
    rows: QuerySet[Any, tuple[Any, ...]]
    if selection.begin is None:
        rows = selection.findings.values_list("pk", "last_seen", *impact.COLUMNS)
    else:
        rows = selection.totals.values_list("finding_id", "finding__last_seen").annotate(*IMPACT)
    return [FindingFigures(finding_id, last_seen, Impact(*columns)) for finding_id, last_seen, *columns in rows]


def reported(
    figures: Sequence[FindingFigures], selection: Selection, changes: Mapping[int, Change] | None = None
) -> Iterator[ReportedFinding]:
    """Yield the findings of these figures, in their order. ``changes`` are by the finding's id."""
    for start in range(0, len(figures), _BATCH):
        yield from _reported(figures[start : start + _BATCH], selection, changes or {})


def _largest(figures: list[FindingFigures], selection: Selection) -> list[FindingFigures]:
    """Sort by the selected figure, then by time blocked, then by id, so that the order is always the same."""
    in_order = sorted(figures, key=lambda row: (-row.impact.blocked_us, row.finding_id))
    if selection.sort == "p95":
        p95_ms = _percentiles_ms(figures, selection)
        return sorted(in_order, key=lambda row: p95_ms.get(row.finding_id, 0.0), reverse=True)
    figure = SORTS[selection.sort]
    return sorted(in_order, key=attrgetter(figure if figure == "last_seen" else f"impact.{figure}"), reverse=True)


def _percentiles_ms(figures: Sequence[FindingFigures], selection: Selection) -> dict[int, float]:
    return {
        finding_id: p95_ms
        for start in range(0, len(figures), _BATCH)
        for finding_id, _, sums in sums_of(_hours(figures[start : start + _BATCH], selection))
        if (p95_ms := sums.p95_ms) is not None
    }


def _hours(figures: Sequence[FindingFigures], selection: Selection) -> QuerySet[HourlyTotal]:
    ids = [row.finding_id for row in figures]
    return hourly_totals(selection.begin, selection.using).filter(finding__in=ids)


def _reported(
    figures: Sequence[FindingFigures], selection: Selection, changes: Mapping[int, Change]
) -> Iterator[ReportedFinding]:
    ids = [row.finding_id for row in figures]
    findings = selection.stored.in_bulk(ids)
    routes = routes_of(_hours(figures, selection))
    p95_ms = {} if changes else _percentiles_ms(figures, selection)
    for row in figures:
        # A finding may have been deleted since its figures were read.
        if finding := findings.get(row.finding_id):
            change = changes.get(row.finding_id)
            p95 = change.after.p95_ms if change else p95_ms.get(row.finding_id)
            yield _reported_finding(finding, row, p95, routes.get(row.finding_id, ()), change)


def _reported_finding(
    finding: Finding, row: FindingFigures, p95_ms: float | None, routes: Sequence[RouteImpact], change: Change | None
) -> ReportedFinding:
    named = tuple(route.name for route in routes if route.name)
    return ReportedFinding(
        fingerprint=finding.fingerprint,
        blocking_call=finding.blocking_call,
        called_name=finding.called_name,
        function=finding.function,
        filename=finding.filename,
        lineno=finding.lineno,
        source=finding.source,
        **row.impact.reported(),
        p95_ms=p95_ms,
        first_seen=as_aware(finding.first_seen),
        last_seen=as_aware(finding.last_seen),
        routes=named,
        events_without_route=sum(route.impact.events for route in routes if not route.name) if named else 0,
        status=finding.status,
        reopened=finding.status == Finding.Status.OPEN and finding.reopened_at is not None,
        cause=finding.cause,
        exact=finding.exact,
        other_function=finding.other_function,
        other_called_name=finding.other_called_name,
        other_lineno=finding.other_lineno,
        other_ms=finding.other_us / 1000,
        calls_seen=finding.calls_seen,
        change=change,
    )
