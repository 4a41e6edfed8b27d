"""Finds new and reopened findings: since the latest release if releases are known, else within the last day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Q

from loopwatch.models import Finding, ProcessHealth
from loopwatch.stored_time import as_stored

SHOWN = 8
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewFindings:
    """New and reopened findings, newest first. ``release`` is empty if they are those of the last day."""

    release: str
    findings: list[Finding]
    more: bool


def new_findings(now: datetime, using: str | None) -> NewFindings:
    """Return open findings that are new or were reopened within a day, by two queries."""
    release = _latest_release(using)
    yesterday = as_stored(now - DAY)
    is_new = Q(first_release=release) if release else Q(first_seen__gte=yesterday)
    findings = Finding.objects.using(using).filter(is_new | Q(reopened_at__gte=yesterday), status=Finding.Status.OPEN)
    found = list(findings.order_by("-first_seen", "-pk")[: SHOWN + 1])
    return NewFindings(release, found[:SHOWN], len(found) > SHOWN)


def _latest_release(using: str | None) -> str:
    """Return the latest release among the processes of the last days; empty if all have the same one."""
    processes = ProcessHealth.objects.using(using).exclude(release="")
    names = [release for release, _ in processes.values_list("release").annotate(begun=Min("since")).order_by("-begun")]
    return names[0] if len(names) > 1 else ""
