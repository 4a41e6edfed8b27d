"""Holds what was put until the writer thread takes it, and knows when it is due."""

import threading
import time
from collections import deque

from loopwatch.detection.calls import BlockingCall
from loopwatch.recorder.loop_times import LoopTimes
from loopwatch.recorder.pending import Pending
from loopwatch.recorder.stall_counter import StallCounter


class Buffer:
    """Thread-safe: every method holds ``changed``, a re-entrant lock, for no longer than an addition takes.

    Without a database (``is_written`` is false) stalls are counted but not kept, and nothing is ever due. ``seen``
    counts all stalls, ``dropped`` those for which there was no room.
    """

    def __init__(self, loop_times: LoopTimes, *, is_written: bool) -> None:
        self.changed = threading.Condition()
        self.seen = self.dropped = 0
        self.is_open = False
        self._loop_times = loop_times
        self._is_written = is_written
        self._stalls = StallCounter()
        self._pending = Pending()
        self._puts = self._puts_settled = 0
        self._due_at: float | None = None
        self._is_urgent = False

    @property
    def events(self) -> int:
        """How many events are waiting here."""
        return self._pending.events

    @property
    def is_due(self) -> bool:
        """Whether something is due, now or later."""
        return self._due_at is not None

    def put(self, call: BlockingCall, delay_s: float) -> None:
        """Count a report of a stall, to be written within ``delay_s``."""
        _ = call.fingerprint  # hashed and cached before the lock is taken
        with self.changed:
            fingerprint, delta = self._stalls.count(call)
            self.seen += delta.impact.events
            self._loop_times.add_stall(call.started_at, delta.impact)
            if self._is_written:
                self.dropped += self._pending.add(fingerprint, delta)
            self.note(delay_s)

    def note(self, delay_s: float) -> None:
        """Note that something was put elsewhere that the writer must write within ``delay_s``."""
        with self.changed:
            self._puts += 1
            if self._is_written:
                self.schedule(delay_s)
            else:
                self._puts_settled = self._puts

    def hurry(self) -> int:
        """Make everything due at once. Returns the number of puts so far, for ``wait_settled``."""
        with self.changed:
            if self._puts_settled < self._puts:
                self._is_urgent = True
                self.schedule(0.0)
            return self._puts

    def wait_settled(self, puts: int, timeout_s: float) -> bool:
        """Wait until the first ``puts`` are written. Returns False on timeout."""
        with self.changed:
            return self.changed.wait_for(lambda: self._puts_settled >= puts, timeout_s)

    def schedule(self, delay_s: float) -> None:
        """Wake the writer in ``delay_s`` at the latest."""
        with self.changed:
            due_at = time.monotonic() + delay_s
            if self._due_at is None or due_at < self._due_at:
                self._due_at = due_at
                self.changed.notify_all()

    def open(self) -> None:
        """Let ``wait_until_due`` wait."""
        with self.changed:
            self.is_open = True

    def close(self) -> None:
        """End ``wait_until_due``. What is put from now on is kept until the buffer is opened again."""
        with self.changed:
            self.is_open = False
            self.changed.notify_all()

    def wait_until_due(self) -> bool:
        """Wait until something is due. Returns False once the buffer is closed."""
        with self.changed:
            while self.is_open:
                remaining_s = None if self._due_at is None else self._due_at - time.monotonic()
                if remaining_s is not None and remaining_s <= 0:
                    self._due_at = None
                    return True
                self.changed.wait(remaining_s)
            return False

    def move_to(self, incoming: deque[Pending]) -> tuple[int, bool]:
        """Hand over the stalls. Returns the number of puts so far, for ``settle``, and whether a flush is waiting."""
        with self.changed:
            incoming.append(self._pending)
            self._pending = Pending()
            is_urgent, self._is_urgent = self._is_urgent, False
            return self._puts, is_urgent

    def settle(self, puts: int) -> None:
        """Note that the first ``puts`` are written."""
        with self.changed:
            self._puts_settled = puts
            self.changed.notify_all()
