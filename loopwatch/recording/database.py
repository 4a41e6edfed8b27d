"""The database sink: adds deltas to what is stored, exactly, however many processes do so at once.

Counters only ever grow by ``F()`` increments. Every transaction begins with a write and goes through the findings in
the order of their fingerprints: on SQLite it then never has to upgrade a read lock, on PostgreSQL there is no deadlock.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DataError, IntegrityError, OperationalError, connections, router, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from loopwatch.models import Finding, HourlyTotal
from loopwatch.recording import event_rows
from loopwatch.recording.column_values import integer, moment, path_text, text
from loopwatch.recording.paths import shorten
from loopwatch.recording.pending import FindingDelta, HourDelta, HourKey, Pending, Place, Totals

FINDINGS_PER_TRANSACTION = 20

# What these say of a batch stays true however often it is tried; any other failure may pass.
UNSTORABLE = (DataError, IntegrityError, ValueError, TypeError, OverflowError)


_Row = TypeVar("_Row", Finding, HourlyTotal)


class DatabaseSink:
    """Writes what is pending. Runs on the writer thread, with connections of its own.

    ``stored`` counts events written, ``thinned`` those of them kept as a count only, ``dropped`` those the database
    refuses for what they contain; ``on_refusal`` is told why.
    """

    def __init__(
        self, alias: str | None, events_per_finding: int, release: str, on_refusal: Callable[[Exception], None]
    ) -> None:
        self._alias = alias
        self._events_per_finding = events_per_finding
        self._release = text(release, 100)
        self._on_refusal = on_refusal
        self.stored = 0
        self.thinned = 0
        self.dropped = 0

    @property
    def alias(self) -> str:
        """The database to write to: the one from the settings, or the router's choice."""
        return self._alias or router.db_for_write(Finding)

    def write(self, pending: Pending) -> None:
        """Write every delta and remove it from ``pending``.

        Whatever a transaction raises is raised; what was committed before has been removed, so trying again is safe.
        """
        alias = self.alias
        connections[alias].ensure_connection()  # here, where a ValueError for wrong OPTIONS is not taken for bad data
        fingerprints = sorted(pending.findings)
        for start in range(0, len(fingerprints), FINDINGS_PER_TRANSACTION):
            self._write_some(alias, pending, fingerprints[start : start + FINDINGS_PER_TRANSACTION])

    def _write_some(self, alias: str, pending: Pending, fingerprints: list[str]) -> None:
        try:
            self._write_together(alias, {fingerprint: pending.findings[fingerprint] for fingerprint in fingerprints})
        except UNSTORABLE as error:
            if len(fingerprints) > 1:
                for fingerprint in fingerprints:
                    self._write_some(alias, pending, [fingerprint])
                return
            self._on_refusal(error)
            self._write_counts_only(alias, fingerprints[0], pending.findings[fingerprints[0]])
        for fingerprint in fingerprints:
            pending.remove(fingerprint)

    def _write_counts_only(self, alias: str, fingerprint: str, delta: FindingDelta) -> None:
        """For a finding whose calls cannot be stored as they are: at least it counts."""
        counts = FindingDelta(delta.place, delta.first_seen, delta.last_seen, delta.totals, delta.hours)
        counts.thinned = delta.thinned + sum(detail.is_new for detail in delta.details.values())
        try:
            self._write_together(alias, {fingerprint: counts})
        except UNSTORABLE:
            self.dropped += delta.totals.events

    def _write_together(self, alias: str, deltas: dict[str, FindingDelta]) -> None:
        # Stacks are encoded first: reading source files takes time, and on SQLite a transaction keeps others waiting.
        events = {fingerprint: self._events(delta) for fingerprint, delta in deltas.items()}
        deleted = 0
        with transaction.atomic(using=alias):
            for fingerprint, delta in deltas.items():
                _count(alias, fingerprint, delta)
            for finding in Finding.objects.using(alias).filter(fingerprint__in=list(deltas)).order_by("fingerprint"):
                delta = deltas[finding.fingerprint]
                _reopen(alias, finding, delta)
                for key in sorted(delta.hours):
                    _count_hour(alias, finding.pk, key, self._release, delta.hours[key])
                event_rows.write(alias, finding.pk, *events[finding.fingerprint])
                deleted += self._thin(alias, finding.pk)
        self.stored += sum(delta.totals.events for delta in deltas.values())
        self.thinned += sum(delta.thinned for delta in deltas.values()) + deleted

    def _events(self, delta: FindingDelta) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """The columns of new events and of those to update, by stall."""
        new, updated = dict[str, dict[str, Any]](), dict[str, dict[str, Any]]()
        for detail in delta.details.values():
            columns = event_rows.columns(detail.call, self._release)
            (new if detail.is_new else updated)[text(detail.call.stall_id, 32)] = columns
        return new, updated

    def _thin(self, alias: str, finding_id: int) -> int:
        deleted = event_rows.thin(alias, finding_id, self._events_per_finding)
        if deleted:
            Finding.objects.using(alias).filter(pk=finding_id).update(events_thinned=F("events_thinned") + deleted)
        return deleted


def _count(alias: str, fingerprint: str, delta: FindingDelta) -> None:
    findings = Finding.objects.using(alias)
    place = _place_columns(delta.place)
    first_seen, last_seen = moment(delta.first_seen), moment(delta.last_seen)
    changes = _increments(delta.totals) | {
        "events_thinned": F("events_thinned") + delta.thinned,
        "first_seen": Least("first_seen", Value(first_seen)),
        "last_seen": Greatest("last_seen", Value(last_seen)),
    }
    new = Finding(
        fingerprint=fingerprint,
        blocking_call=text(delta.place.method_name, 300),
        function=text(delta.place.function, 300),
        first_seen=first_seen,
        last_seen=last_seen,
        **place,
    )
    _add(findings.filter(fingerprint=fingerprint), changes | place, new, delta.totals.events)


def _count_hour(alias: str, finding_id: int, key: HourKey, release: str, delta: HourDelta) -> None:
    names = {
        "finding_id": finding_id,
        "hour": moment(key.hour),
        "method": key.method,
        "route": key.route,
        "release": release,
    }
    changes = _increments(delta.totals)
    for column, change in delta.columns.items():
        if change > 0:
            changes[column] = F(column) + change
        elif change < 0:
            # The hour this stall was first counted in may have been deleted since.
            changes[column] = Greatest(F(column) + change, Value(0))
    totals = HourlyTotal.objects.using(alias)
    _add(totals.filter(**names), changes, HourlyTotal(**names), delta.totals.events)


def _add(rows: QuerySet[_Row], changes: dict[str, Any], new: _Row, events: int) -> None:
    """Update the one row; where it does not exist, insert it first, unless another process just did.

    No row is made for a delta without an event: somebody deleted it while the stall went on.
    """
    if not rows.update(**changes) and events:
        rows.bulk_create([new], ignore_conflicts=True)
        if not rows.update(**changes):
            raise OperationalError(f"{new!r} could neither be inserted nor updated")


def _reopen(alias: str, finding: Finding, delta: FindingDelta) -> None:
    since = finding.status_changed_at
    if finding.status == Finding.Status.RESOLVED and (since is None or since < moment(delta.last_seen)):
        resolved = Finding.objects.using(alias).filter(pk=finding.pk, status=Finding.Status.RESOLVED)
        resolved.update(status=Finding.Status.OPEN, reopened_at=timezone.now())


def _increments(totals: Totals) -> dict[str, Any]:
    return {
        "events": F("events") + totals.events,
        "blocked_us": F("blocked_us") + totals.blocked_us,
        "longest_us": Greatest("longest_us", Value(totals.longest_us)),
        "requests_delayed": F("requests_delayed") + totals.requests_delayed,
        "delay_us": F("delay_us") + totals.delay_us,
    }


def _place_columns(place: Place) -> dict[str, Any]:
    return {
        "filename": path_text(shorten(place.filename), 500),
        "lineno": integer(place.lineno),
        "source": text(place.source, 500),
        "cause": text(place.cause, 20),
        "is_c_call": place.is_c_call,
        "exact": place.exact,
    }
