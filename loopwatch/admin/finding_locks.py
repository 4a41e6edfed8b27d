"""Locks findings that the recorder may be writing too."""

from django.db import connections
from django.db.models import F, QuerySet

from loopwatch.models import Finding


def lock(findings: QuerySet[Finding]) -> None:
    """Lock findings until the transaction ends: a deadlock is impossible, and the recorder adds no events meanwhile.

    Like the recorder (``recording.database``), it locks them in the order of their fingerprints. SQLite locks the whole
    database with the first write; a transaction that reads before it fails if another process has written meanwhile.
    """
    if connections[findings.db].features.has_select_for_update:
        list(findings.select_for_update().order_by("fingerprint").values_list("pk"))
    else:
        findings.update(status=F("status"))
