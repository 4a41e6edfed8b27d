"""Resolves, ignores and reopens findings: the only changes that users make."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from loopwatch.admin.row_locks import locked
from loopwatch.conf import configuration
from loopwatch.models import Finding, ProcessHealth
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


def decide(findings: QuerySet[Finding], decision: Decision, user: AbstractBaseUser) -> int:
    """Apply the decision, log who made it, and return how many findings it changed.

    Writes only the columns of the status, because the recorder may be adding to the same findings.
    """
    # Reopening an open finding changes nothing, even if the recorder had reopened it.
    changed = [
        finding
        for finding in findings
        if not (decision.is_of(finding) or finding.status == decision.status == Status.OPEN)
    ]
    known = _known_releases(changed, findings.db) if decision.reopen_when == When.NEW_RELEASE else []
    values = {
        "status": decision.status,
        "status_changed_at": timezone.now(),
        "status_changed_by": user.get_username()[:150],
        "reopen_when": decision.reopen_when,
        "reopen_release": decision.reopen_release,
        "reopen_figure_us": decision.reopen_figure_us,
        "known_releases": known,
        "reopened_at": None,
        "reopened_release": "",
        "reopened_figure_us": None,
    }
    _update(changed, values, findings.db)
    if changed:
        for name, value in values.items():
            setattr(changed[0], name, value)
        LogEntry.objects.log_actions(
            user_id=user.pk, queryset=changed, action_flag=CHANGE, change_message=_message(changed[0])
        )
    return len(changed)


def _update(findings: list[Finding], values: dict[str, Any], using: str) -> None:
    """Update rows that the recorder may be writing too."""
    stored = Finding.objects.using(using).filter(pk__in=[finding.pk for finding in findings])
    with locked(stored):
        stored.update(**values)


def _known_releases(findings: list[Finding], using: str) -> list[str]:
    """Return the releases in service within the last days, including this process's, and those of the findings."""
    in_service = ProcessHealth.objects.using(using).values_list("release", flat=True).distinct()
    seen = (release for finding in findings for release in (finding.first_release, finding.last_release))
    return sorted({*in_service, *seen, configuration().release})


def _message(finding: Finding) -> str:
    status = f"{finding.get_status_display()} {current_condition(finding)}".strip()
    return _("Changed status to “%(status)s”.") % {"status": status}
