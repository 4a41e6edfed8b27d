"""Resolves, ignores and reopens findings: the only changes that users make."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from loopwatch.admin.row_locks import locked
from loopwatch.conf import configuration
from loopwatch.models import Finding, ProcessHealth
from loopwatch.rows.details import ENTRIES_LIMIT
from loopwatch.wording.findings import current_condition

Status, When = Finding.Status, Finding.ReopenWhen


@dataclass(frozen=True, slots=True)
class Decision:
    """Holds a status and what reopens the finding (see ``Finding.ReopenWhen``)."""

    status: Finding.Status
    reopen_when: str = ""
    reopen_release: str = ""
    reopen_figure_us: int | None = None

    def is_of(self, finding: Finding) -> bool:
        """Return whether the finding already has this status and condition."""
        return self == Decision(
            Status(finding.status), finding.reopen_when, finding.reopen_release, finding.reopen_figure_us
        )


def decide(
    findings: QuerySet[Finding], decision: Decision, user: AbstractBaseUser, decided_at: datetime
) -> list[Finding]:
    """Apply the decision, log who made it, and return the findings that it changed, as they were before.

    Writes only the columns of the status, because the recorder may be adding to the same findings.
    """
    # Reopening an open finding changes nothing, even if the recorder had reopened it.
    changed = [
        finding
        for finding in findings
        if not (decision.is_of(finding) or finding.status == decision.status == Status.OPEN)
    ]
    values = {
        "status": decision.status,
        "status_changed_at": decided_at,
        "status_changed_by": str(user.get_username())[:150],
        "reopen_when": decision.reopen_when,
        "reopen_release": decision.reopen_release,
        "reopen_figure_us": decision.reopen_figure_us,
        "known_releases": [],
        "reopened_at": None,
        "reopened_release": "",
        "reopened_figure_us": None,
    }
    _update(changed, values, findings.db)
    if changed:
        decided = copy(changed[0])
        for name, value in values.items():
            setattr(decided, name, value)
        log_change(user, changed, _message(decided))
    return changed


def log_change(user: AbstractBaseUser, findings: Sequence[Finding], message: str) -> None:
    """Enter a change in the history of the findings."""
    if findings:
        LogEntry.objects.log_actions(user_id=user.pk, queryset=findings, action_flag=CHANGE, change_message=message)


def _update(findings: list[Finding], values: dict[str, Any], using: str) -> None:
    """Update rows that the recorder may be writing too."""
    stored = Finding.objects.using(using)
    with locked(stored.filter(pk__in=[finding.pk for finding in findings])):
        stored.filter(pk__in=[finding.pk for finding in findings]).update(**values)
        if values["reopen_when"] == When.NEW_RELEASE:
            in_service = _releases_in_service(using)
            for own, of_these in _by_own_releases(findings).items():
                known = list(dict.fromkeys((*own, *in_service)))[:ENTRIES_LIMIT]
                stored.filter(pk__in=of_these).update(known_releases=known)


def _releases_in_service(using: str) -> list[str]:
    """Return this process's release and those of the last days, the newest first."""
    reported = ProcessHealth.objects.using(using).values("release").annotate(last=Max("reported_at"))
    return [configuration().release, *reported.order_by("-last").values_list("release", flat=True)[:ENTRIES_LIMIT]]


def _by_own_releases(findings: list[Finding]) -> dict[tuple[str, str], list[int]]:
    """Group the findings by their first and last release: each knows its own, not those of all others."""
    groups: dict[tuple[str, str], list[int]] = {}
    for finding in findings:
        groups.setdefault((finding.first_release, finding.last_release), []).append(finding.pk)
    return groups


def _message(finding: Finding) -> str:
    status = f"{finding.get_status_display()} {current_condition(finding)}".strip()
    return _("Changed status to “%(status)s”.") % {"status": status}
