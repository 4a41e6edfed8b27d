"""Maintains the store after each write: updates the row of this process and deletes rows that are too old.

It also has recorded what other processes could not, because they were killed while a thread kept the GIL.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.db import connections

from loopwatch.conf import Configuration
from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.loggers import logger_of
from loopwatch.models import BlockingEvent, CommittedBatch, Finding, ProcessHealth
from loopwatch.recorder import health_rows, ledger, trusted_time
from loopwatch.recorder.abandoned_calls import AbandonedCalls
from loopwatch.recorder.column_values import text
from loopwatch.recorder.flush_pace import FlushPace
from loopwatch.recorder.health import Errors, Stats
from loopwatch.recorder.health_rows import HealthRow
from loopwatch.recorder.loop_time_rows import prune_loop_times
from loopwatch.recorder.pruning import prune_oldest
from loopwatch.recorder.pruning_turn import takes_turn
from loopwatch.recorder.reopening import CLOSED
from loopwatch.recorder.route_pruning import RouteFolding, prune_route_hours
from loopwatch.recorder.wait_pruning import prune_oldest_waits, waits_before
from loopwatch.stored_time import as_stored
from loopwatch.wording.durations import human_duration

PRUNE_INTERVAL_S = 60.0
COUNT_INTERVAL_S = 15.0
FINDINGS_KNOWN = 1_000
BATCHES = 5
BATCH_SIZE = 100
CLOCKS_DIFFER = timedelta(hours=1)
OVERDUE_AFTER = timedelta(hours=1)
"""If rows are kept longer than they should be by this much, no process has pruned the store."""

logger = logger_of("recorder")


class Housekeeping:
    """Used only by the writer thread. Failures are counted, the first is logged, and the next run tries again."""

    def __init__(
        self, configuration: Configuration, errors: Errors, put: Callable[[BlockingCall], None], pace: FlushPace
    ) -> None:
        self._errors = errors
        self._abandoned = AbandonedCalls(configuration, errors, put)
        self._pace = pace
        self._folding = RouteFolding()
        self._kept = timedelta(days=configuration.events_kept_days)
        self._health = HealthRow(text(configuration.release, 100))
        self._prune_at = time.monotonic() + PRUNE_INTERVAL_S
        self._count_at = 0.0
        self._has_run = False

    def run(self, alias: str, stats: Stats) -> None:
        """Maintain the database that was just written to."""
        try:
            self._health.write(alias, stats)
            self._abandoned.take()
            is_first, self._has_run = not self._has_run, True
            is_due = time.monotonic() >= self._prune_at
            if time.monotonic() >= self._count_at:
                self._count_at = time.monotonic() + COUNT_INTERVAL_S
                self._pace.processes = health_rows.processes(alias)
                self._pace.know(_open_findings(alias))
            if is_due:
                self._prune_at = time.monotonic() + PRUNE_INTERVAL_S
            if (is_due and takes_turn(alias, PRUNE_INTERVAL_S)) or (is_first and self._is_pruning_overdue(alias)):
                self._prune(alias)
        except Exception as error:  # noqa: BLE001 - the stalls are written already
            self._errors.log_once("housekeeping", error, "The store could not be kept tidy.")
            with suppress(Exception):
                connections.close_all()  # a broken connection must not be used again

    def _prune(self, alias: str) -> None:
        """Delete rows by age."""
        now = trusted_time.earlier_time(alias)
        ahead = datetime.now(UTC) - now
        if ahead > CLOCKS_DIFFER:
            self._doubt(f"The clock of this process is {_span(ahead)} ahead of the database's, which counts.")
        oldest = as_stored(now - self._kept)
        if not trusted_time.is_believed(alias, now):
            if _has_older(alias, oldest):
                self._doubt("Nothing was stored in the last days by this clock, so nothing is deleted by it for now.")
            return
        prune_loop_times(alias, now)
        prune_route_hours(alias, now)
        self._folding.run(alias, oldest)
        ProcessHealth.objects.using(alias).filter(reported_at__lt=as_stored(now - health_rows.KEPT)).delete()
        CommittedBatch.objects.using(alias).filter(committed_at__lt=as_stored(now - ledger.KEPT)).delete()
        for delete_some in (prune_oldest_waits, prune_oldest):
            for _ in range(BATCHES):
                if not delete_some(alias, oldest, BATCH_SIZE):
                    break

    def _is_pruning_overdue(self, alias: str) -> bool:
        """Return whether no process has lived long enough to prune: jobs and commands may end within seconds."""
        now = trusted_time.earlier_time(alias)
        gone = ProcessHealth.objects.using(alias).filter(
            reported_at__lt=as_stored(now - health_rows.KEPT - OVERDUE_AFTER)
        )
        if gone.exists():
            return True
        return _has_older(alias, as_stored(now - self._kept - OVERDUE_AFTER)) and trusted_time.is_believed(alias, now)

    def _doubt(self, doubt: str) -> None:
        if self._errors.count("clock", ValueError(doubt), doubt):
            logger.warning("%s More of this is only counted.", doubt)


def _open_findings(alias: str) -> Iterable[str]:
    """Return the fingerprints of the newest findings that nothing reopens."""
    findings = Finding.objects.using(alias).exclude(CLOSED).order_by("-last_seen")
    return list(findings.values_list("fingerprint", flat=True)[:FINDINGS_KNOWN])


def _has_older(alias: str, oldest: datetime) -> bool:
    events = BlockingEvent.objects.using(alias).filter(started_at__lt=oldest)
    return events.exists() or waits_before(alias, oldest).exists()


def _span(time: timedelta) -> str:
    return human_duration(time / timedelta(milliseconds=1))
