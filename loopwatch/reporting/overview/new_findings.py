"""What is new: since the last release where the site has releases, else within the last day; and what came back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Q

from loopwatch.models import Finding, ProcessHealth
from loopwatch.stored_time import as_stored

SHOWN = 8
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewFindings:
    """The newest first. ``release`` is empty where ``new`` are those of the last day."""

    release: str
    findings: list[Finding]
    more: bool


def new_findings(now: datetime, using: str | None) -> NewFindings:
    """Open findings that are new, or were reopened within a day; in two queries."""
    release = _latest_release(using)
    yesterday = as_stored(now - DAY)
    is_new = Q(first_release=release) if release else Q(first_seen__gte=yesterday)
    findings = Finding.objects.using(using).filter(is_new | Q(reopened_at__gte=yesterday), status=Finding.Status.OPEN)
    found = list(findings.order_by("-first_seen", "-pk")[: SHOWN + 1])
    return NewFindings(release, found[:SHOWN], len(found) > SHOWN)


def _latest_release(using: str | None) -> str:
    """The one that processes of the last days have; empty if there is no other one that it could be newer than."""
    processes = ProcessHealth.objects.using(using).exclude(release="")
    names = [release for release, _ in processes.values_list("release").annotate(begun=Min("since")).order_by("-begun")]
    return names[0] if len(names) > 1 else ""
