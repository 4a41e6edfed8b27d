"""The recorder: takes over stalls from the watchdog at once, and has them written and delivered on other threads.

``put`` only adds numbers under a lock. Every query and every file access happens on the writer thread, and every sink
beside the database has its own thread.
"""

import os
import time
import weakref
from collections.abc import Callable
from datetime import UTC, datetime

from loopwatch.conf import Configuration
from loopwatch.detection.calls import BlockingCall, LoopUsage
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.sampling.cpu_budget import WatchdogFigures
from loopwatch.detection.timing.hot_path import IS_COMPILED
from loopwatch.recorder.buffer import Buffer
from loopwatch.recorder.delivery import Delivery, remaining_s
from loopwatch.recorder.finding_changes import FindingChange
from loopwatch.recorder.health import Errors, Stats
from loopwatch.recorder.loop_times import LoopTimes
from loopwatch.recorder.redaction import Redaction
from loopwatch.recorder.sinks import LogSink, sinks
from loopwatch.recorder.telling import tellers
from loopwatch.recorder.thread_wait_log import ThreadWaitLog
from loopwatch.recorder.writer import Writer
from loopwatch.recorder.writer_thread import WriterThread
from loopwatch.sources.running import without_secrets
from loopwatch.thread_waits.thread_wait import ThreadWait

LOOP_TIMES_INTERVAL_S = 60.0
"""How often a process with traffic but without stalls writes how busy it is."""

logger = logger_of("recorder")


class Recorder:
    """Buffers stalls and writes them to the sinks of the settings. All methods may be called from any thread.

    A stopped recorder keeps what is put, within its limits, until it is started again. After a fork the child's
    recorder is empty and starts its thread with the next ``put``.
    """

    def __init__(
        self, configuration: Configuration, watchdog_figures: Callable[[], WatchdogFigures] = WatchdogFigures
    ) -> None:
        self._configuration = configuration
        self._watchdog_figures = watchdog_figures
        self._is_started = False
        self._begin_empty()
        _recorders.add(self)

    def _begin_empty(self) -> None:
        configuration = self._configuration
        self.errors = Errors()
        self.loop_times = LoopTimes()
        self._since = datetime.now(UTC)
        self._tellers = tellers(configuration, self.errors)
        self._writer = Writer(
            configuration, self.errors, self.stats, self.loop_times, self._since, self.put, self._tell
        )
        self._buffer = Buffer(self.loop_times, is_written=self._writer.database is not None)
        self._writer_thread = WriterThread(self._writer, self._buffer, self.errors)
        redact = configuration.redact
        self._redaction = Redaction(redact, self._record, self.errors) if redact else None
        self._deliveries = [
            Delivery(sink.name, sink.emit, self.errors, sink.settle, sink.close)
            for sink in sinks(configuration, self.errors, self.loop_times)
        ]
        self._thread_wait_log = ThreadWaitLog() if "log" in configuration.sinks else None
        if self._is_started:
            self._open()

    def put(self, call: BlockingCall) -> None:
        """Take over a report of a stall, without I/O or exceptions.

        It is written by the next flush; that of a stall still going on, at once.
        """
        try:
            call = without_secrets(call)
            if self._redaction:
                self._redaction.delivery.put(call)
            else:
                self._record(call)
        except Exception as error:  # noqa: BLE001 - the watchdog must go on
            self.errors.log_once("recorder", error, "A stall could not be recorded.")

    def log_machine_stall(self, call: BlockingCall) -> None:
        """Hand a stall that no call caused to the thread of the log, without I/O. It is recorded nowhere else."""
        for delivery in self._deliveries:
            if delivery.name == LogSink.name:
                delivery.put(call)

    def put_usage(self, usage: LoopUsage) -> None:
        """Take over how busy a loop was, without I/O or exceptions; it is written within a minute."""
        try:
            self.loop_times.add_usage(usage)
            self._buffer.note(LOOP_TIMES_INTERVAL_S)
            self._ensure_writer()
        except Exception as error:  # noqa: BLE001 - the watchdog must go on
            self.errors.log_once("recorder", error, "How busy the loop is could not be recorded.")

    def put_wait(self, wait: ThreadWait) -> None:
        """Take over a thread wait, without I/O or exceptions; it is written by the next flush."""
        try:
            if self._thread_wait_log:
                self._thread_wait_log.log(wait)
            if self._writer.database is None:
                return
            self._writer.thread_waits.put(wait)
            self._buffer.note(self._writer.pace.delay_s)
            self._ensure_writer()
        except Exception as error:  # noqa: BLE001 - it is the site's own thread that hands it over
            self.errors.log_once("recorder", error, "A thread wait could not be recorded.")

    def start(self) -> None:
        """Start the threads that are not running."""
        self._is_started = True
        self._open()
        self._writer_thread.ensure()
        for delivery in self._all_deliveries():
            delivery.start()

    def _open(self) -> None:
        self._buffer.open()
        for delivery in self._all_deliveries():
            delivery.open()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything put so far is written and delivered. Returns False on timeout."""
        deadline = time.monotonic() + timeout_s
        redacted = self._redaction is None or self._redaction.delivery.flush(timeout_s)
        puts = self._buffer.hurry()
        if self._buffer.is_due:
            self._ensure_writer()
        # Without a thread there is nothing to wait for.
        patience_s = remaining_s(deadline) if self._writer_thread.is_running else 0.0
        written = self._buffer.wait_settled(puts, patience_s)
        late = [delivery for delivery in self._outgoing() if not delivery.flush(remaining_s(deadline))]
        return redacted and written and not late

    def stop(self, timeout_s: float) -> bool:
        """Flush, end all threads and close their database connections. Returns False on timeout.

        What could not be written or delivered is logged.
        """
        deadline = time.monotonic() + timeout_s
        flushed = self.flush(timeout_s)
        self._is_started = False
        ended = self._writer_thread.stop(max(0.2, remaining_s(deadline)))
        late = [delivery for delivery in self._all_deliveries() if not delivery.stop(max(0.2, remaining_s(deadline)))]
        self._log_losses()
        return flushed and ended and not late

    def _log_losses(self) -> None:
        stats = self.stats()
        if stats.pending:
            reason = f" ({stats.last_error})" if stats.last_error else ""
            logger.error("Stopped before %d stalls could be written%s.", stats.pending, reason)
        if waits := self._writer.pending_waits:
            logger.error("Stopped before %d thread waits could be written.", waits)
        for delivery in self._all_deliveries():
            if delivery.waiting:
                what = "changes of findings" if delivery in self._tellers else "stalls"
                logger.error("Stopped before %d %s reached %r.", delivery.waiting, what, delivery.name)

    def stats(self) -> Stats:
        """Return what was counted so far, without the number of loops."""
        watchdog = self._watchdog_figures()
        redaction = self._redaction
        withheld, unredacted = (redaction.withheld, redaction.dropped) if redaction else (0, 0)
        waiting = redaction.delivery.waiting if redaction else 0
        buffer, writer, database = self._buffer, self._writer, self._writer.database
        with buffer.changed:
            return Stats(
                since=self._since,
                seen=buffer.seen + withheld + unredacted + waiting,
                stored=database.stored if database else 0,
                thinned=database.thinned if database else 0,
                withheld=withheld,
                dropped=unredacted + buffer.dropped + writer.dropped + (database.dropped if database else 0),
                unexamined=watchdog.unexamined,
                undelivered=sum(delivery.dropped for delivery in self._outgoing()),
                pending=waiting + buffer.events + writer.pending_events,
                errors=dict(self.errors.counts) | ({"watchdog": watchdog.failures} if watchdog.failures else {}),
                last_error=self.errors.last,
                watchdog_cpu_s=watchdog.cpu_s,
                writer_cpu_s=self._writer_thread.cpu_s,
                lookout=watchdog.lookout,
                torn=watchdog.torn,
                compiled=IS_COMPILED,
            )

    def _ensure_writer(self) -> None:
        try:
            self._writer_thread.ensure()
        except RuntimeError as error:  # no more threads
            self.errors.log_once("recorder", error, "The writer could not be started; what it is to write is kept.")

    def _outgoing(self) -> "list[Delivery[BlockingCall] | Delivery[FindingChange]]":
        return [*self._deliveries, *self._tellers]

    def _all_deliveries(self) -> "list[Delivery[BlockingCall] | Delivery[FindingChange]]":
        return [self._redaction.delivery, *self._outgoing()] if self._redaction else self._outgoing()

    def _tell(self, change: FindingChange) -> None:
        for teller in self._tellers:
            teller.put(change)

    def _record(self, call: BlockingCall) -> None:
        is_urgent = call.ongoing or call.duration_ms >= self._configuration.alarm_ms
        self._buffer.put(call, 0.0 if is_urgent else self._writer.pace.delay_of_s(call.fingerprint))
        self._ensure_writer()
        for delivery in self._deliveries:
            delivery.put(call)


_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _begin_empty_after_fork() -> None:
    """Empty every recorder in the child: the parent writes what was pending, and may have held a lock."""
    for recorder in list(_recorders):
        recorder._begin_empty()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_empty_after_fork)
