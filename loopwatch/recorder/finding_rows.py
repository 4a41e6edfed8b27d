"""Writes the rows of findings, within the transaction that the database sink has begun."""

from collections.abc import Iterable, Mapping

from django.db.models import F

from loopwatch.models import Finding
from loopwatch.recorder import event_rows
from loopwatch.recorder.counters import count_findings, count_hours
from loopwatch.recorder.deltas import FindingDelta
from loopwatch.recorder.event_columns import FindingEvents
from loopwatch.recorder.reopening import reopen


def write_findings(
    alias: str,
    release: str,
    deltas: Mapping[str, FindingDelta],
    rows: Iterable[Finding],
    events: Mapping[str, FindingEvents],
    events_per_finding: int,
) -> int:
    """Write the rows of findings, and hours and events by fingerprint. Returns how many surplus events were deleted."""
    if not deltas:
        return 0
    count_findings(alias, rows)
    findings = Finding.objects.using(alias).filter(fingerprint__in=list(deltas))
    ids = dict(findings.values_list("fingerprint", "id"))
    count_hours(alias, release, [(ids[each], delta) for each, delta in deltas.items() if each in ids])
    reopen(alias, release, deltas)
    event_rows.write(alias, [(ids[each], events[each]) for each in deltas if each in ids])
    return _thin(alias, ids.values(), events_per_finding)


def _thin(alias: str, finding_ids: Iterable[int], limit: int) -> int:
    deleted = event_rows.thin(alias, finding_ids, limit)
    for number in set(deleted.values()):
        findings = Finding.objects.using(alias).filter(pk__in=[each for each in deleted if deleted[each] == number])
        findings.update(events_thinned=F("events_thinned") + number)
    return sum(deleted.values())
