"""Reopens findings that a person has resolved or ignored, once that person's condition is met."""

import re
from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from loopwatch.models import Finding, HourlyTotal
from loopwatch.recorder.deltas import FindingDelta
from loopwatch.rows.details import read_releases
from loopwatch.stored_time import as_stored

Status, When = Finding.Status, Finding.ReopenWhen

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})", re.ASCII)
CLOSED = Q(status=Status.RESOLVED) | Q(status=Status.IGNORED) & ~Q(reopen_when="")
_COLUMNS = (
    *("fingerprint", "status", "status_changed_at", "reopen_when", "reopen_release", "reopen_figure_us"),
    "known_releases",
)


def reopen(alias: str, release: str, deltas: Mapping[str, FindingDelta]) -> set[str]:
    """Reopen findings among those just counted, in the same transaction. Returns their fingerprints."""
    closed = Finding.objects.using(alias).filter(CLOSED, fingerprint__in=list(deltas))
    reopened = set()
    for finding in closed.only(*_COLUMNS):
        delta = deltas[finding.fingerprint]
        if _happened_since(finding.status_changed_at, delta) and _reopen(closed, finding, release, delta):
            reopened.add(finding.fingerprint)
    return reopened


def _happened_since(changed_at: datetime | None, delta: FindingDelta) -> bool:
    return changed_at is None or changed_at < as_stored(delta.last_seen)


def _reopen(closed: QuerySet[Finding], finding: Finding, release: str, delta: FindingDelta) -> bool:
    figure_us = _figure_us(finding, delta, closed.db)
    if not _is_met(finding, release, figure_us):
        return False
    # Update only the columns of the status, and only if no person has changed it meanwhile.
    unchanged = closed.filter(pk=finding.pk, status_changed_at=finding.status_changed_at)
    columns = {"reopened_at": timezone.now(), "reopened_release": release, "reopened_figure_us": figure_us}
    return bool(unchanged.update(status=Status.OPEN, alarmed_at=None, **columns))


def _figure_us(finding: Finding, delta: FindingDelta, alias: str) -> int | None:
    """Return the figure to compare with the finding's own; ``None`` if the condition has no figure."""
    if finding.reopen_when == When.LONGER:
        return _longest_us_since(finding.status_changed_at, delta)
    if finding.reopen_when == When.MORE:
        hours = HourlyTotal.objects.using(alias).filter(
            finding=finding, hour__in={as_stored(key.hour) for key in delta.hours}
        )
        blocked = hours.values_list("hour").annotate(blocked_us=Sum("blocked_us"))
        return max((blocked_us for _, blocked_us in blocked), default=0)
    return None


def _longest_us_since(changed_at: datetime | None, delta: FindingDelta) -> int:
    """Return the longest stall since the decision, which may have come between stalls that are written together."""
    if changed_at is None or changed_at < as_stored(delta.first_seen):
        return delta.impact.longest_us
    calls = (detail.call for detail in delta.details.values())
    since_ms = (call.duration_ms for call in calls if changed_at < as_stored(call.started_at))
    return round(max(since_ms, default=0.0) * 1000)


def _is_met(finding: Finding, release: str, figure_us: int | None) -> bool:
    if finding.reopen_when == When.NEW_RELEASE:
        return release not in read_releases(finding.known_releases).values
    if finding.reopen_when == When.RELEASE:
        return _is_or_follows(release, finding.reopen_release)
    if figure_us is not None:
        return figure_us > (finding.reopen_figure_us or 0)
    return finding.status == Status.RESOLVED


def _is_or_follows(release: str, wanted: str) -> bool:
    """Return whether the release is the wanted one, or a later one if both are plain version numbers."""
    version, wanted_version = _version(release), _version(wanted)
    return release == wanted or bool(version and wanted_version and version >= wanted_version)


def _version(release: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(release)
    return tuple(map(int, match[1].split("."))) if match else ()
