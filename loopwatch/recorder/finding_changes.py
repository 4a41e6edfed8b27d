"""Decides which findings cause an alert: in the transaction that counts them, so only one process gives it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone

from loopwatch.detection.calls import BlockingCall, Cause
from loopwatch.escaping.log import log_text
from loopwatch.models import Finding
from loopwatch.recorder import request_columns
from loopwatch.recorder.column_values import microseconds
from loopwatch.recorder.deltas import FindingDelta


class ChangeKind(StrEnum):
    """Why a finding causes an alert."""

    NEW = "new"
    REOPENED = "reopened"
    LONGER = "longer"
    """One of its stalls has lasted for ``ALARM_MS``, for the first time since the finding was new or reopened."""


_OPENINGS = {ChangeKind.NEW: "New finding", ChangeKind.REOPENED: "Reopened finding", ChangeKind.LONGER: "Long stall"}


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that causes an alert, only one however many processes store it.

    ``headline`` is the call; ``function``, ``filename``, ``lineno`` and ``source`` say where it is, as on the finding's
    page. ``longest_ms`` is the longest of the stalls that changed the finding, and ``call`` that stall with its
    stack and request; ``None`` if only its count was kept. ``url`` is the finding's page, ``""`` without ``ADMIN_URL``.
    ``str()`` is the alert as one line.
    """

    kind: ChangeKind
    finding_id: int
    fingerprint: str
    headline: str
    function: str
    filename: str
    lineno: int
    source: str
    cause: str
    longest_ms: float
    url: str
    call: BlockingCall | None

    @property
    def route(self) -> str:
        """The method and the pattern of the request, or ``""``."""
        request = self.call.request if self.call else None
        return f"{request_columns.method(request)} {request_columns.route(request)}".strip()

    def __str__(self) -> str:
        verb = "in a thread kept the GIL from" if self.cause == Cause.GIL_HELD else "blocked"
        where = f" ({self.filename}:{self.lineno})" if self.filename else ""
        what = f"{self.headline} {verb} the event loop for {self.longest_ms:.1f} ms in {self.function}{where}"
        parts = (f"{_OPENINGS[self.kind]}: {what}", self.route, self.url)
        return log_text("; ".join(part for part in parts if part), 2000)


@dataclass(frozen=True, slots=True)
class ChangeFinder:
    """Finds the changes among findings that a transaction has just counted, and so locked."""

    alarm_ms: float
    admin_url: str | None

    def changes(
        self,
        alias: str,
        rows: Collection[Finding],
        deltas: Mapping[str, FindingDelta],
        stored: Mapping[str, tuple[int, int]],
        reopened: Collection[str],
    ) -> list[FindingChange]:
        """Return what the rows, which were added to the ``stored`` ids and numbers of events, have changed."""
        alarmed = self._alarmed(alias, rows)
        found = []
        for row in rows:
            finding_id, events = stored.get(row.fingerprint, (0, 0))
            if row.events and events == row.events:
                kind = ChangeKind.NEW
            elif row.fingerprint in reopened:
                kind = ChangeKind.REOPENED
            elif row.fingerprint in alarmed:
                kind = ChangeKind.LONGER
            else:
                continue
            found.append(self._change(kind, finding_id, row, deltas[row.fingerprint]))
        return found

    def _alarmed(self, alias: str, rows: Collection[Finding]) -> set[str]:
        """Note that findings have had a stall that long. Returns those of which it was not known."""
        unknown = Finding.objects.using(alias).filter(status=Finding.Status.OPEN, alarmed_at=None)
        long = [row.fingerprint for row in rows if row.longest_us >= microseconds(self.alarm_ms)]
        # The update decides: at some isolation levels a query would not see what others have committed.
        return {each for each in long if unknown.filter(fingerprint=each).update(alarmed_at=timezone.now())}

    def _change(self, kind: ChangeKind, finding_id: int, row: Finding, delta: FindingDelta) -> FindingChange:
        calls = [detail.call for detail in delta.details.values()]
        return FindingChange(
            kind=kind,
            finding_id=finding_id,
            fingerprint=row.fingerprint,
            headline=row.headline,
            function=row.function,
            filename=row.filename,
            lineno=row.lineno,
            source=row.source,
            cause=row.cause,
            longest_ms=row.longest_ms,
            url=f"{self.admin_url.rstrip('/')}/loopwatch/finding/{finding_id}/change/" if self.admin_url else "",
            call=max(calls, key=lambda call: call.duration_ms, default=None),
        )
