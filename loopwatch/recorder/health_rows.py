"""Writes the figures of this process, for the admin and the report in other processes."""

import os
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from loopwatch.models import ProcessHealth
from loopwatch.recorder.column_values import host, text
from loopwatch.recorder.health import Stats
from loopwatch.stored_time import as_stored

KEPT = timedelta(days=7)
"""Older rows are deleted, because servers replace their processes, some every few minutes."""

ALIVE = timedelta(minutes=2)
"""A process with traffic writes its row once a minute."""


def processes(alias: str) -> int:
    """Return how many processes are recording in this database."""
    rows = ProcessHealth.objects.using(alias).filter(reported_at__gte=as_stored(datetime.now(UTC) - ALIVE))
    return max(1, rows.count())


class HealthRow:
    """The row of this process. Used only by the writer thread."""

    def __init__(self, release: str) -> None:
        self._release = text(release, 100)
        self._pk: int | None = None

    def write(self, alias: str, stats: Stats) -> None:
        """Update the row; insert it if it does not exist or was deleted."""
        rows = ProcessHealth.objects.using(alias)
        now = timezone.now()
        columns = {
            "reported_at": now,
            "seen": stats.seen,
            "stored": stats.stored,
            "thinned": stats.thinned,
            "withheld": stats.withheld,
            "dropped": stats.dropped,
            "unexamined": stats.unexamined,
            "undelivered": stats.undelivered,
            "pending": stats.pending,
            "errors": dict(stats.errors),
            "last_error": text(stats.last_error, 300),
            "watchdog_cpu_us": round(stats.watchdog_cpu_s * 1e6),
            "writer_cpu_us": round(stats.writer_cpu_s * 1e6),
        }
        if self._pk is None or not rows.filter(pk=self._pk).update(**columns):
            since = as_stored(stats.since) if stats.since else now
            row = rows.create(host=host(), process_id=os.getpid(), release=self._release, since=since, **columns)
            self._pk = row.pk
