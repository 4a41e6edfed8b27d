"""Builds a report by host from loop times, because hourly totals do not store the host.

Loop times do not store the finding, so the findings of a host come from stored events: the slowest and newest of each.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet, Sum

from loopwatch.headline import headline
from loopwatch.impact import NO_IMPACT, Impact
from loopwatch.models import BlockingEvent, LoopTime
from loopwatch.reporting.aggregates import IMPACT
from loopwatch.reporting.group_report import largest_first
from loopwatch.reporting.recording_health import recording_health
from loopwatch.reporting.report import HOST, Group, Report, Totals
from loopwatch.reporting.selection import Selection
from loopwatch.stored_time import as_stored, whole_hour

KEPT = timedelta(days=32)
"""How long loop times are kept."""


def build_host_report(selection: Selection) -> Report:
    """Report the hosts that were blocked most within at most ``KEPT``, by findings of any status."""
    now = datetime.now(UTC)
    since = max(filter(None, (selection.begin, whole_hour(now - KEPT))))
    impacts = _impacts(since, selection.using)
    total = sum(impacts.values(), NO_IMPACT)
    blocked_us = _blocked_us(since, selection.using)
    groups = largest_first([_group(host, impact, blocked_us[host]) for host, impact in impacts.items()], selection.sort)
    return Report(
        generated_at=now,
        since=since,
        status=selection.status,
        stored=selection.stored.count(),
        totals=Totals(
            findings=len({finding for host in blocked_us.values() for finding in host}),
            events=total.events,
            blocked_ms=total.blocked_us / 1000,
        ),
        health=recording_health(selection.using),
        group_by=HOST,
        groups=tuple(groups[: selection.limit]),
        groups_in_all=len(groups),
    )


def _impacts(since: datetime, using: str | None) -> dict[str, Impact]:
    """Return what blocked the loops of each host."""
    hours = LoopTime.objects.using(using).filter(minutes=LoopTime.Minutes.HOUR, start__gte=as_stored(since))
    return {host: Impact(*figures) for host, *figures in hours.order_by().values_list("host").annotate(*IMPACT)}


def _blocked_us(since: datetime, using: str | None) -> dict[str, dict[str, int]]:
    """Return how long stored events blocked, by host and then by finding."""
    by_host = defaultdict[str, dict[str, int]](dict)
    for host, blocking_call, called_name, function, blocked_us in _finding_sums(since, using):
        by_host[host][f"{headline(called=called_name, detail=blocking_call)} in {function}"] = blocked_us
    return by_host


def _finding_sums(since: datetime, using: str | None) -> QuerySet[BlockingEvent, tuple[str, str, str, str, int]]:
    events = BlockingEvent.objects.using(using).filter(started_at__gte=as_stored(since))
    names = ("host", "finding__blocking_call", "finding__called_name", "finding__function")
    return events.order_by().values_list(*names).annotate(Sum("duration_us"))


def _group(host: str, impact: Impact, blocked_us: dict[str, int]) -> Group:
    return Group(
        name=host,
        findings=len(blocked_us),
        **impact.reported(),
        p95_ms=None,
        worst=max(blocked_us, key=blocked_us.__getitem__, default=""),
    )
