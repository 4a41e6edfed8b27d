"""What the writer thread does with what it takes over: hand it to the sinks, and keep what is not written yet."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from django.db import close_old_connections, connections, reset_queries

from loopwatch.conf import Configuration
from loopwatch.detection.calls import BlockingCall
from loopwatch.recording.database import DatabaseSink
from loopwatch.recording.health import Errors
from loopwatch.recording.outage import Outage
from loopwatch.recording.pending import Pending
from loopwatch.recording.sinks import CallbackSink, LogSink, SignalSink, Sink


class Writer:
    """Runs on one thread at a time. Nothing a sink does or raises reaches the others."""

    def __init__(self, configuration: Configuration, errors: Errors) -> None:
        self._errors = errors
        self._outage = Outage()
        self._retry_at = 0.0
        self.unwritten = Pending()
        self.dropped = 0
        self.database = _database_sink(configuration, self._refused) if "database" in configuration.sinks else None
        self._log = LogSink() if "log" in configuration.sinks else None
        self._others: list[Sink] = [SignalSink()] if "signal" in configuration.sinks else []
        if configuration.on_blocking_call:
            self._others.append(CallbackSink(configuration.on_blocking_call))

    @property
    def delivers(self) -> bool:
        """Whether any sink wants every call by itself."""
        return bool(self._log or self._others)

    def write(self, pending: Pending, calls: Sequence[BlockingCall], *, at_once: bool) -> float | None:
        """Hand everything to the sinks; returns after how many seconds to try again, or None if nothing is left.

        The log comes first, since it needs nobody, and receivers come last: they find the stall in the database.
        After a failure the database is left alone until its time has come, unless ``at_once``.
        """
        self.dropped += self.unwritten.merge(pending)
        if self._log:
            self._deliver(self._log, calls)
        if self.database and self.unwritten.findings and (at_once or time.monotonic() >= self._retry_at):
            self._store(self.database)
        for sink in self._others:
            self._deliver(sink, calls)
        return max(0.0, self._retry_at - time.monotonic()) if self.unwritten.findings else None

    def _store(self, database: DatabaseSink) -> None:
        try:
            close_old_connections()
            database.write(self.unwritten)
            self._retry_at = 0.0
            self._outage.over()
            close_old_connections()
        except Exception as error:  # noqa: BLE001 - routers and backends raise what they like; everything is kept
            self._errors.count("database", error)
            self._retry_at = time.monotonic() + self._outage.failed(error, self.unwritten.events)
            with suppress(Exception):
                connections.close_all()  # a broken connection must not be tried again
        finally:
            reset_queries()  # under DEBUG every query is remembered

    def _deliver(self, sink: Sink, calls: Sequence[BlockingCall]) -> None:
        for call in calls:
            try:
                sink.emit(call)
            except BaseException as error:  # noqa: BLE001 - even SystemExit or CancelledError must not end this thread
                self._errors.log_once(sink.name, error, f"The {sink.name} sink failed.")

    def _refused(self, error: Exception) -> None:
        self._errors.log_once("database", error, "The database refused the details of a stall.")


def _database_sink(configuration: Configuration, on_refusal: Callable[[Exception], None]) -> DatabaseSink:
    return DatabaseSink(configuration.database, configuration.events_per_finding, configuration.release, on_refusal)
