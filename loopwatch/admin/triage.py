"""Resolve, ignore and reopen: the only things a person changes."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from loopwatch.models import Finding


def change_status(findings: QuerySet[Finding], status: Finding.Status, user: AbstractBaseUser) -> int:
    """Give the findings that have another status this one, say who did it, and return how many that were.

    Only the columns of the status are written: the recorder may be counting the same findings up at this moment.
    """
    with transaction.atomic(using=findings.db):
        changed = list(findings.exclude(status=status))
        Finding.objects.using(findings.db).filter(pk__in=[finding.pk for finding in changed]).update(
            status=status,
            status_changed_at=timezone.now(),
            status_changed_by=user.get_username()[:150],
            reopened_at=None,
        )
    if changed:
        LogEntry.objects.log_actions(
            user_id=user.pk,
            queryset=changed,
            action_flag=CHANGE,
            change_message=_("Changed status to “%(status)s”.") % {"status": status.label},
        )
    return len(changed)
