"""Writes the rows of findings, within the transaction that the database sink has begun."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import F

from loopwatch.models import Finding
from loopwatch.recorder import event_rows
from loopwatch.recorder.counters import count_findings, count_hours
from loopwatch.recorder.deltas import FindingDelta
from loopwatch.recorder.event_columns import FindingEvents
from loopwatch.recorder.finding_changes import ChangeFinder, FindingChange
from loopwatch.recorder.reopening import reopen


@dataclass(frozen=True, slots=True)
class Written:
    """What a transaction did besides counting: how many surplus events it deleted, and which findings changed."""

    deleted: int = 0
    changes: tuple[FindingChange, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingRows:
    """Writes findings, with their hours and events."""

    release: str
    events_per_finding: int
    changes: ChangeFinder

    def write(
        self,
        alias: str,
        deltas: Mapping[str, FindingDelta],
        rows: Collection[Finding],
        events: Mapping[str, FindingEvents],
    ) -> Written:
        """Write the rows of findings, and hours and events by fingerprint."""
        if not deltas:
            return Written()
        count_findings(alias, rows)
        findings = Finding.objects.using(alias).filter(fingerprint__in=list(deltas))
        found = list(findings.values_list("fingerprint", "id", "events", "status"))
        stored = {each: (pk, number) for each, pk, number, _ in found}
        ids = {each: pk for each, (pk, _) in stored.items()}
        count_hours(alias, self.release, [(ids[each], delta) for each, delta in deltas.items() if each in ids])
        closed = {each: deltas[each] for each, *_, status in found if status != Finding.Status.OPEN}
        reopened = reopen(alias, self.release, closed) if closed else set[str]()
        changes = self.changes.changes(alias, rows, deltas, stored, reopened)
        event_rows.write(alias, [(ids[each], events[each]) for each in deltas if each in ids])
        return Written(_thin(alias, ids.values(), self.events_per_finding), tuple(changes))


def _thin(alias: str, finding_ids: Iterable[int], limit: int) -> int:
    deleted = event_rows.thin(alias, finding_ids, limit)
    for number in set(deleted.values()):
        findings = Finding.objects.using(alias).filter(pk__in=[each for each in deleted if deleted[each] == number])
        findings.update(events_thinned=F("events_thinned") + number)
    return sum(deleted.values())
