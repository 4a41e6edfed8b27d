"""Locks rows that the recorder may be writing too."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.models import F, QuerySet

from loopwatch.models import Finding


@contextmanager
def locked(rows: QuerySet[Any]) -> Iterator[None]:
    """Begin a transaction that locks rows before it reads: it cannot deadlock or fail because the recorder writes.

    Like the recorder (``recorder.database``), it locks findings in the order of their fingerprints. SQLite locks the
    whole database with any write; a transaction that reads before its first write fails if another process has
    written meanwhile.
    """
    with transaction.atomic(using=rows.db):
        if connections[rows.db].features.has_select_for_update:
            order = "fingerprint" if rows.model is Finding else "pk"
            list(rows.select_for_update().order_by(order).values_list("pk"))
        else:
            Finding.objects.using(rows.db).filter(fingerprint="").update(status=F("status"))
        yield
