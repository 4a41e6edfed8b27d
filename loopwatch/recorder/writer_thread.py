"""The thread on which the writer runs."""

import threading
import time
from contextlib import suppress

from django.db import connections

from loopwatch.detection.timing.own_work import own_work
from loopwatch.recorder.buffer import Buffer
from loopwatch.recorder.health import Errors
from loopwatch.recorder.outage import FIRST_RETRY_S
from loopwatch.recorder.writer import Writer


class WriterThread:
    """Runs the writer whenever the buffer has something due. While nothing is due, it waits without a timeout.

    ``cpu_s`` is the CPU time that the thread has used.
    """

    def __init__(self, writer: Writer, buffer: Buffer, errors: Errors) -> None:
        self.cpu_s = 0.0
        self._writer = writer
        self._buffer = buffer
        self._errors = errors
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    def ensure(self) -> None:
        """Start the thread, if the buffer is open and the thread is not running. Raises where no thread can start."""
        with self._buffer.changed:
            if self._thread or not self._buffer.is_open:
                return
            thread = threading.Thread(target=self._run, name="loopwatch-writer", daemon=True)
            thread.start()  # under the lock, because ``stop`` cannot wait for a thread that has not started
            self._thread = thread

    def stop(self, timeout_s: float) -> bool:
        """End the thread after its current write. Returns False on timeout."""
        with self._buffer.changed:
            self._buffer.close()
            thread = self._thread
        if thread is None:
            return True
        if thread is not threading.current_thread():
            thread.join(timeout_s)
        return not thread.is_alive()

    def write_once(self) -> None:
        """Write what is in the buffer, and schedule another attempt if that fails."""
        puts, is_urgent = self._buffer.move_to(self._writer.incoming)
        retry_s = self._writer.write(at_once=is_urgent)
        self.cpu_s = time.thread_time()
        if retry_s is None:
            self._buffer.settle(puts)
        else:
            self._buffer.schedule(retry_s)

    def _run(self) -> None:
        try:
            while not self._write_until_closed():
                pass
        finally:
            with suppress(Exception):  # drivers may raise if a connection is closed already
                connections.close_all()

    def _write_until_closed(self) -> bool:
        """Write whenever something is due. Returns True once the buffer is closed, and False after an exception."""
        try:
            while self._wait_until_due():
                with own_work():  # receivers of model signals may run loops
                    self.write_once()
        except BaseException as error:  # noqa: BLE001 - a thread that ends would leave everything unwritten
            self._errors.log_once("recorder", error, "The writer was interrupted, and goes on.")
            self._buffer.schedule(FIRST_RETRY_S)
            return False
        return True

    def _wait_until_due(self) -> bool:
        with self._buffer.changed:
            if self._buffer.wait_until_due():
                return True
            self._thread = None  # under the same lock, so that ``ensure`` starts another thread from now on
            return False
