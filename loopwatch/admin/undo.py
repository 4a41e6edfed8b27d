"""Takes back the last decision of a user, which the session remembers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils.dateparse import parse_datetime

from loopwatch.admin.row_locks import locked
from loopwatch.models import Finding

_KEY = "loopwatch_undo"
_MOST = 100
"""A decision on more findings is not remembered, because sessions may be stored in cookies."""
_MOMENTS = ("status_changed_at", "reopened_at")
_COLUMNS = (
    *_MOMENTS, "status", "status_changed_by", "reopen_when", "reopen_release", "reopen_figure_us", "known_releases",
    "reopened_release", "reopened_figure_us",
)  # fmt: skip


def remember(session: SessionBase, findings: Sequence[Finding], decided_at: datetime) -> bool:
    """Remember the findings as they were before a decision, and return whether it can be taken back."""
    session.pop(_KEY, None)
    if not 0 < len(findings) <= _MOST:
        return False
    session[_KEY] = {"decided_at": decided_at.isoformat(), "before": [_before(finding) for finding in findings]}
    return True


def take_back(session: SessionBase, using: str | None) -> list[Finding]:
    """Restore the status of the findings that were not changed since, and return them."""
    remembered = session.pop(_KEY, {"decided_at": "", "before": []})
    before = {values.pop("pk"): _columns(values) for values in remembered["before"]}
    stored = Finding.objects.using(using)
    with locked(stored.filter(pk__in=before)):
        decided_at = parse_datetime(remembered["decided_at"])
        findings = list(stored.filter(pk__in=before, status_changed_at=decided_at)) if decided_at else []
        for finding in findings:
            stored.filter(pk=finding.pk).update(**before[finding.pk])
    return findings


def _before(finding: Finding) -> dict[str, Any]:
    values = {name: getattr(finding, name) for name in _COLUMNS}
    moments = {name: values[name] and values[name].isoformat() for name in _MOMENTS}
    return {"pk": finding.pk, **values, **moments}


def _columns(remembered: dict[str, Any]) -> dict[str, Any]:
    moments = {name: remembered[name] and parse_datetime(remembered[name]) for name in _MOMENTS}
    return remembered | moments
