"""A report by host, from the times of loops: hourly totals do not know the host, and these do not know the finding.

Which findings a host has is told by the events that are stored: the slowest and the newest of each finding.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Max, QuerySet, Sum

from loopwatch.models import BlockingEvent, LoopTime
from loopwatch.reporting.grouping import largest_first
from loopwatch.reporting.health import recording_health
from loopwatch.reporting.report import HOST, Group, Report, Totals
from loopwatch.reporting.selection import Selection
from loopwatch.reporting.since import whole_hour
from loopwatch.reporting.sums import stored_moment

KEPT = timedelta(days=32)
"""How far back the times of loops go."""


class _Times(NamedTuple):
    """How the loops of a host fared, in the order in which the query selects it."""

    host: str
    events: int
    blocked_us: int
    longest_us: int
    requests_delayed: int
    delay_us: int


def build_host_report(selection: Selection) -> Report:
    """Report the hosts that were blocked most, by all findings whatever their status; of ``KEPT`` at most."""
    now = datetime.now(UTC)
    since = max(filter(None, (selection.begin, whole_hour(now - KEPT))))
    times = list(_times(since, selection.using))
    blocked_us = _blocked_us(since, selection.using)
    groups = largest_first([_group(each, blocked_us[each.host]) for each in times], selection.sort)
    return Report(
        generated_at=now,
        since=since,
        status=selection.status,
        stored=selection.stored.count(),
        totals=Totals(
            findings=len({finding for host in blocked_us.values() for finding in host}),
            events=sum(each.events for each in times),
            blocked_ms=sum(each.blocked_us for each in times) / 1000,
        ),
        health=recording_health(selection.using),
        group_by=HOST,
        groups=tuple(groups[: selection.limit]),
        groups_in_all=len(groups),
    )


def _times(since: datetime, using: str | None) -> Iterator[_Times]:
    hours = LoopTime.objects.using(using).filter(minutes=LoopTime.Minutes.HOUR, start__gte=stored_moment(since))
    rows = (
        hours.order_by()
        .values_list("host")
        .annotate(Sum("events"), Sum("blocked_us"), Max("longest_us"), Sum("requests_delayed"), Sum("delay_us"))
    )
    return (_Times(*row) for row in rows)


def _blocked_us(since: datetime, using: str | None) -> dict[str, dict[str, int]]:
    """By host, then by finding: for how long the stored events blocked."""
    by_host = defaultdict[str, dict[str, int]](dict)
    for host, blocking_call, function, blocked_us in _finding_sums(since, using):
        by_host[host][f"{blocking_call} in {function}"] = blocked_us
    return by_host


def _finding_sums(since: datetime, using: str | None) -> QuerySet[BlockingEvent, tuple[str, str, str, int]]:
    events = BlockingEvent.objects.using(using).filter(started_at__gte=stored_moment(since))
    names = ("host", "finding__blocking_call", "finding__function")
    return events.order_by().values_list(*names).annotate(Sum("duration_us"))


def _group(times: _Times, blocked_us: dict[str, int]) -> Group:
    return Group(
        name=times.host,
        findings=len(blocked_us),
        events=times.events,
        blocked_ms=times.blocked_us / 1000,
        longest_ms=times.longest_us / 1000,
        p95_ms=None,
        requests_delayed=times.requests_delayed,
        delay_ms=times.delay_us / 1000,
        worst=max(blocked_us, key=blocked_us.__getitem__, default=""),
    )
