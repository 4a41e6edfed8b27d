"""Writes to the database, and keeps what is not written yet."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, reset_queries

from loopwatch.conf import Configuration
from loopwatch.detection.calls import BlockingCall
from loopwatch.recorder.database import DatabaseSink
from loopwatch.recorder.destination import is_supported
from loopwatch.recorder.failures import remedy_for_content
from loopwatch.recorder.finding_changes import FindingChange
from loopwatch.recorder.flush_pace import FlushPace
from loopwatch.recorder.health import Errors, Stats
from loopwatch.recorder.housekeeping import Housekeeping
from loopwatch.recorder.loop_time_rows import LoopTimeRows
from loopwatch.recorder.loop_times import LoopTimes
from loopwatch.recorder.outage import Outage
from loopwatch.recorder.pending import Pending
from loopwatch.recorder.thread_wait_rows import ThreadWaitRows
from loopwatch.recorder.thread_waits import ThreadWaits


class Writer:
    """Used by one thread at a time, except ``incoming`` and ``thread_waits``, which any thread may add to.

    ``pace`` says how long what is put may wait.
    """

    def __init__(
        self,
        configuration: Configuration,
        errors: Errors,
        stats: Callable[[], Stats],
        loop_times: LoopTimes,
        since: datetime,
        put: Callable[[BlockingCall], None],
        on_change: Callable[[FindingChange], None],
    ) -> None:
        self._errors = errors
        self._stats = stats
        self._loop_times = loop_times
        self._loop_time_rows = LoopTimeRows(configuration.release, since, self._refused)
        self.pace = FlushPace(configuration.flush_interval_s)
        self._housekeeping = Housekeeping(configuration, errors, put, self.pace)
        self._outage = Outage()
        self._retry_at = 0.0
        self.thread_waits = ThreadWaits()
        self._thread_wait_rows = ThreadWaitRows(configuration.release, self._refused)
        self.incoming = deque[Pending]()
        self.unwritten = Pending()
        self.dropped = 0
        self.database: DatabaseSink | None = None
        if "database" in configuration.sinks and is_supported(configuration, errors):
            self.database = DatabaseSink(configuration, self._refused, on_change)

    def write(self, *, at_once: bool) -> float | None:
        """Write everything. Returns after how many seconds to try again, or ``None`` if nothing is left.

        After a failure, the database is not tried again before that time, unless ``at_once``.
        """
        while self.incoming:
            self.dropped += self.unwritten.merge(self.incoming[0])
            self.incoming.popleft()
        self._loop_time_rows.add(self._loop_times.take())
        self.thread_waits.move_to(self._thread_wait_rows.sums)
        if self.database and self._is_behind and (at_once or time.monotonic() >= self._retry_at):
            self._store(self.database, at_once=at_once)
        return max(0.0, self._retry_at - time.monotonic()) if self._is_behind else None

    @property
    def pending_events(self) -> int:
        """How many events are not known to be written."""
        incoming = sum(pending.events for pending in list(self.incoming))
        return incoming + self.unwritten.events + (self.database.events_in_doubt if self.database else 0)

    @property
    def pending_waits(self) -> int:
        """How many thread waits are not known to be written."""
        return self.thread_waits.waits + self._thread_wait_rows.waits

    @property
    def _is_behind(self) -> bool:
        if self.database is None:
            return False
        rows_are_waiting = self._loop_time_rows.are_waiting or self._thread_wait_rows.are_waiting
        unwritten = self.unwritten.findings or self.unwritten.routes
        return bool(unwritten) or rows_are_waiting or self.database.is_in_doubt

    def _store(self, database: DatabaseSink, *, at_once: bool) -> None:
        alias = DEFAULT_DB_ALIAS
        try:
            close_old_connections()
            alias = database.alias
            _commit_every_write(alias)
            self._write_rows(database, alias, at_once=at_once)
            self._retry_at = 0.0
            self._outage.over()
            self._housekeeping.run(alias, self._stats())
            close_old_connections()
        except BaseException as error:  # noqa: BLE001 - routers and backends may raise anything; everything is kept
            self._errors.count("database", error)
            self._retry_at = time.monotonic() + self._outage.failed(error, self.pending_events, alias)
            with suppress(Exception):
                connections.close_all()  # a broken connection must not be used again
        finally:
            reset_queries()  # Django remembers every query under DEBUG

    def _write_rows(self, database: DatabaseSink, alias: str, *, at_once: bool) -> None:
        """Write everything. Raises the error of a row only after all others were written."""
        self.unwritten.thin(self.pace.details_per_finding)
        database.write(self.unwritten, at_once=at_once)
        self._loop_time_rows.write(alias)
        self._thread_wait_rows.write(alias)
        if error := database.error or self._loop_time_rows.error or self._thread_wait_rows.error:
            raise error

    def _refused(self, error: Exception) -> None:
        self._outage.refused()
        refusal = f"The database refused what it was to store. {remedy_for_content(error)}"
        self._errors.log_once("database", error, refusal.strip())


def _commit_every_write(alias: str) -> None:
    """Have this thread's connection commit, although the site commits for itself (``AUTOCOMMIT`` is false)."""
    connection = connections[alias]
    if not connection.settings_dict["AUTOCOMMIT"]:
        connection.close()
        connection.settings_dict = {**connection.settings_dict, "AUTOCOMMIT": True}  # other threads have the old one
