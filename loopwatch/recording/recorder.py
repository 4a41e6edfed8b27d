"""The recorder: takes calls from the watchdog at once, and has a thread of its own write them.

``put`` only adds numbers under a lock; every query and every file is the writer thread's business, and every other sink
has a thread of its own. While there is nothing to write, they wait without a timeout and cost nothing.
"""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connections

from loopwatch.conf import Configuration
from loopwatch.detection.budget import WatchdogFigures
from loopwatch.detection.calls import BlockingCall, LoopUsage
from loopwatch.recording.delivery import Delivery, remaining_s
from loopwatch.recording.health import Errors, Stats
from loopwatch.recording.loop_times import LoopTimes
from loopwatch.recording.outage import FIRST_RETRY_S
from loopwatch.recording.pending import Pending
from loopwatch.recording.redaction import Redaction
from loopwatch.recording.sinks import sinks
from loopwatch.recording.stall_counter import StallCounter
from loopwatch.recording.thread_wait_log import ThreadWaitLog
from loopwatch.recording.writer import Writer
from loopwatch.sources.running import without_secrets
from loopwatch.thread_waits.thread_wait import ThreadWait

LOOP_TIMES_INTERVAL_S = 60.0
"""How often a process that has traffic, but no stalls, says how busy it is."""

logger = logging.getLogger("loopwatch.recorder")


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
        self._running = False
        self._begin_empty()
        _recorders.add(self)

    def _begin_empty(self) -> None:
        self._changed = threading.Condition()
        self._errors = Errors()
        self.loop_times = LoopTimes()
        self._since = datetime.now(UTC)
        self._writer = Writer(self._configuration, self._errors, self.stats, self.loop_times, self._since)
        self._thread: threading.Thread | None = None
        self._stall_counter = StallCounter()
        self._pending = Pending()
        redact = self._configuration.redact
        self._redaction = Redaction(redact, self._record, self._errors) if redact else None
        self._deliveries = [
            Delivery(sink.name, sink.emit, self._errors, sink.settle, sink.close)
            for sink in sinks(self._configuration, self._errors, self.loop_times)
        ]
        self._thread_wait_log = ThreadWaitLog() if "log" in self._configuration.sinks else None
        self._writer_cpu_s = 0.0
        self._seen = self._dropped = 0
        self._puts = self._puts_settled = 0
        self._due_at: float | None = None
        self._at_once = False

    def put(self, call: BlockingCall) -> None:
        """Take over a call, without I/O or exceptions. It is written by the next flush; one still going on, at once."""
        try:
            call = without_secrets(call)
            if self._redaction:
                self._redaction.delivery.put(call)
            else:
                self._record(call)
        except Exception as error:  # noqa: BLE001 - the watchdog must go on whatever it was made to put
            self._errors.log_once("recorder", error, "A stall could not be recorded.")

    def use(self, usage: LoopUsage) -> None:
        """Take over how busy a loop was, without I/O; it is written within a minute."""
        try:
            self.loop_times.use(usage)
            with self._changed:
                self._puts += 1
                if self._writer.database:
                    self._schedule(LOOP_TIMES_INTERVAL_S)
                else:
                    self._puts_settled = self._puts
            self._ensure_thread()
        except Exception as error:  # noqa: BLE001 - the watchdog must go on
            self._errors.log_once("recorder", error, "How busy the loop is could not be recorded.")

    def put_wait(self, wait: ThreadWait) -> None:
        """Take over a thread wait, without I/O or exceptions; it is written by the next flush."""
        try:
            if self._thread_wait_log:
                self._thread_wait_log.tell(wait)
            if self._writer.database is None:
                return
            self._writer.thread_waits.put(wait)
            with self._changed:
                self._puts += 1
                self._schedule(self._configuration.flush_interval_s)
            self._ensure_thread()
        except Exception as error:  # noqa: BLE001 - it is the site's own thread that hands it over
            self._errors.log_once("recorder", error, "A thread wait could not be recorded.")

    def start(self) -> None:
        """Start the writer thread, if it is not running."""
        with self._changed:
            self._running = True
        self._ensure_thread()
        for delivery in self._all_deliveries():
            delivery.start()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything put so far is written and delivered; whether that was done in time."""
        deadline = time.monotonic() + timeout_s
        redacted = self._redaction is None or self._redaction.delivery.flush(timeout_s)
        written = self._flush_writer(remaining_s(deadline))
        late = [delivery for delivery in self._deliveries if not delivery.flush(remaining_s(deadline))]
        return redacted and written and not late

    def _flush_writer(self, timeout_s: float) -> bool:
        with self._changed:
            target = self._puts
            if self._puts_settled < target:
                self._at_once = True
                self._schedule(0.0)
        self._ensure_thread()
        with self._changed:
            if self._thread is None:  # nobody writes
                return self._puts_settled >= target
            return self._changed.wait_for(lambda: self._puts_settled >= target, timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """Flush, end the thread and close its database connections; whether that was done in time.

        What could not be written is told in the log.
        """
        deadline = time.monotonic() + timeout_s
        flushed = self.flush(timeout_s)
        with self._changed:
            self._running = False
            thread = self._thread
            self._changed.notify_all()
        if thread and thread is not threading.current_thread():
            thread.join(max(0.2, remaining_s(deadline)))
        late = [delivery for delivery in self._all_deliveries() if not delivery.stop(max(0.2, remaining_s(deadline)))]
        stats = self.stats()
        if stats.pending:
            reason = f" ({stats.last_error})" if stats.last_error else ""
            logger.error("Stopped before %d stalls could be written%s.", stats.pending, reason)
        if waits := self._writer.pending_waits:
            logger.error("Stopped before %d thread waits could be written.", waits)
        for delivery in self._all_deliveries():
            if delivery.waiting:
                logger.error("Stopped before %d stalls reached %r.", delivery.waiting, delivery.name)
        return flushed and not late and not (thread and thread.is_alive())

    @property
    def errors(self) -> Errors:
        """Where failures are counted."""
        return self._errors

    def stats(self) -> Stats:
        """What was counted so far, without the number of loops."""
        watchdog = self._watchdog_figures()
        redaction = self._redaction
        withheld, unredacted = (redaction.withheld, redaction.dropped) if redaction else (0, 0)
        waiting = redaction.delivery.waiting if redaction else 0
        with self._changed:
            writer, database = self._writer, self._writer.database
            return Stats(
                since=self._since,
                seen=self._seen + withheld + unredacted + waiting,
                stored=database.stored if database else 0,
                thinned=database.thinned if database else 0,
                withheld=withheld,
                dropped=unredacted + self._dropped + writer.dropped + (database.dropped if database else 0),
                unexamined=watchdog.unexamined,
                undelivered=sum(delivery.dropped for delivery in self._deliveries),
                pending=waiting + self._pending.events + writer.pending_events,
                errors=dict(self._errors.counts) | ({"watchdog": watchdog.failures} if watchdog.failures else {}),
                last_error=self._errors.last,
                watchdog_cpu_s=watchdog.cpu_s,
                writer_cpu_s=self._writer_cpu_s,
            )

    def _all_deliveries(self) -> list[Delivery]:
        return [self._redaction.delivery, *self._deliveries] if self._redaction else self._deliveries

    def _record(self, call: BlockingCall) -> None:
        _ = call.fingerprint  # hashed and cached before the lock is taken
        with self._changed:
            self._take_over(call)
        self._ensure_thread()
        for delivery in self._deliveries:
            delivery.put(call)

    def _take_over(self, call: BlockingCall) -> None:
        fingerprint, delta = self._stall_counter.count(call)
        self._puts += 1
        self._seen += delta.impact.events
        self.loop_times.block(call.started_at, delta.impact)
        if self._writer.database:
            self._dropped += self._pending.add(fingerprint, delta)
            self._schedule(0.0 if call.ongoing else self._configuration.flush_interval_s)
        else:
            self._puts_settled = self._puts

    def _schedule(self, delay_s: float) -> None:
        due_at = time.monotonic() + delay_s
        if self._due_at is None or due_at < self._due_at:
            self._due_at = due_at
            self._changed.notify_all()

    def _ensure_thread(self) -> None:
        with self._changed:
            if self._thread or not self._running:
                return
            thread = self._thread = threading.Thread(target=self._run, name="loopwatch-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is shutting down
            with self._changed:
                self._thread = None
            raise

    def _run(self) -> None:
        try:
            while not self._has_run():
                pass
        finally:
            connections.close_all()

    def _has_run(self) -> bool:
        """Write whenever something is due, until the thread is to end; false if that was interrupted."""
        try:
            while self._wait_until_due():
                self._write()
        except BaseException as error:  # noqa: BLE001 - a thread that ends would leave everything unwritten
            self._errors.log_once("recorder", error, "The writer was interrupted, and goes on.")
            with self._changed:
                self._schedule(FIRST_RETRY_S)
            return False
        return True

    def _wait_until_due(self) -> bool:
        """Wait for something to write; false when the thread is to end."""
        with self._changed:
            while self._running:
                remaining_s = None if self._due_at is None else self._due_at - time.monotonic()
                if remaining_s is not None and remaining_s <= 0:
                    self._due_at = None
                    return True
                self._changed.wait(remaining_s)
            self._thread = None
            return False

    def _write(self) -> None:
        with self._changed:
            self._writer.incoming.append(self._pending)
            self._pending = Pending()
            puts, at_once, self._at_once = self._puts, self._at_once, False
        retry_s = self._writer.write(at_once=at_once)
        with self._changed:
            self._writer_cpu_s = time.thread_time()
            if retry_s is None:
                self._puts_settled = puts
                self._changed.notify_all()
            else:
                self._schedule(retry_s)


_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _begin_empty_after_fork() -> None:
    """The parent writes what was pending; the child has no writer thread, and a lock may have been held."""
    for recorder in list(_recorders):
        recorder._begin_empty()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_empty_after_fork)
