"""CPU clocks of the loop's thread and of the process, and how long a thread waited for a CPU."""

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator
from typing import NamedTuple

from loopwatch.detection.machine.clock import now, own_time
from loopwatch.detection.machine.proc_files import Read, reader


class CpuReading(NamedTuple):
    """CPU seconds used up to ``at``: by the loop's thread (``None`` if unknown), the watchdog, and the process."""

    at: float
    thread_s: float | None
    watchdog_s: float
    process_s: float


def others_s(before: CpuReading, after: CpuReading) -> float:
    """Return the CPU seconds that other threads than the loop's and the watchdog used; 0 where that is unknown."""
    if before.thread_s is None or after.thread_s is None:
        return 0.0
    own_s = after.thread_s - before.thread_s + after.watchdog_s - before.watchdog_s
    return after.process_s - before.process_s - own_s


_left_out: tuple[int | None, float] = (None, 0.0)
"""The clock of the thread that is left out now, and the seconds to subtract besides."""


def process_s() -> float:
    """Return the CPU seconds of the process, including the watchdog, but not those that are left out."""
    used_s, (clock_id, left_out_s) = own_time.process_time(), _left_out
    with contextlib.suppress(OSError):  # the thread has just ended
        return used_s - left_out_s - (0.0 if clock_id is None else own_time.clock_gettime(clock_id))
    return used_s - left_out_s


@contextlib.contextmanager
def leave_out_this_thread() -> Iterator[None]:
    """Leave out what the calling thread computes, because it never has the GIL of the main interpreter.

    Otherwise, the loop's thread would seem to compete with it for the GIL. One thread at a time can be left out.
    """
    global _left_out  # noqa: PLW0603
    before_s = _left_out[1] - own_time.thread_time()
    _left_out = cpu_clock_id(threading.get_ident()), before_s
    try:
        yield
    finally:
        _left_out = None, before_s + own_time.thread_time()


def cpu_clock_id(thread_id: int) -> int | None:
    """Return the CPU clock of a living thread; ``None`` on platforms without one."""
    return own_time.pthread_getcpuclockid(thread_id) if hasattr(own_time, "pthread_getcpuclockid") else None


class Turns(NamedTuple):
    """The turns of a thread on CPUs: their number, and its waits for them in all (the kernel's run delay)."""

    delayed_s: float
    taken: int


class RunDelay:
    """The turns of a thread, given by its native id, on the CPUs.

    They are the second and third field of the thread's ``schedstat`` (Linux: Documentation/scheduler/sched-stats.rst).
    A wait that still goes on is not included yet.
    """

    def __init__(self, native_id: int) -> None:
        self._read: Read | None = None
        with contextlib.suppress(OSError):
            file = os.open(f"/proc/self/task/{native_id}/schedstat", os.O_RDONLY)
            weakref.finalize(self, os.close, file)
            self._read = reader(file)

    def read(self) -> Turns | None:
        """Return the turns so far; ``None`` where they are unknown."""
        if self._read is None:
            return None
        try:
            _, delayed_ns, count = self._read().split()
            return Turns(int(delayed_ns) / 1e9, int(count))
        except (OSError, ValueError):
            return None

    def read_s(self) -> float | None:
        """Return the run delay so far in seconds; ``None`` where it is unknown."""
        turns = self.read()
        return None if turns is None else turns.delayed_s


class Delays:
    """The waits for a CPU of the loop's thread and the watchdog's since this was made; 0 where unknown.

    If the loop's turns were read before, ``loop_before``, the loop's count from there. ``since`` is when this was made.
    """

    def __init__(self, loop: RunDelay, watchdog: RunDelay, loop_before: Turns | None = None) -> None:
        self._loop, self._watchdog = loop, watchdog
        self.since = now()
        self._loop_before = loop.read() if loop_before is None else loop_before
        self._watchdog_before = watchdog.read()

    def loop_turns(self) -> Turns | None:
        """Return the turns of the loop's thread."""
        return _since(self._loop_before, self._loop.read())

    def loop_s(self) -> float:
        return _delayed_s(self.loop_turns())

    def watchdog_s(self) -> float:
        return _delayed_s(_since(self._watchdog_before, self._watchdog.read()))


class ThreadClocks:
    """The clocks of the calling thread, for other threads to read."""

    __slots__ = ("_cpu_clock_id", "native_id", "run_delay", "thread_id")

    def __init__(self) -> None:
        self.thread_id, self.native_id = threading.get_ident(), threading.get_native_id()
        self._cpu_clock_id = cpu_clock_id(self.thread_id)
        self.run_delay = RunDelay(self.native_id)

    def cpu_s(self) -> float | None:
        """Return the CPU seconds that the thread has used; ``None`` where that is unknown, or the thread is gone."""
        try:
            return None if self._cpu_clock_id is None else own_time.clock_gettime(self._cpu_clock_id)
        except OSError:
            return None


def _since(before: Turns | None, after: Turns | None) -> Turns | None:
    if before is None or after is None:
        return None
    return Turns(after.delayed_s - before.delayed_s, after.taken - before.taken)


def _delayed_s(turns: Turns | None) -> float:
    return 0.0 if turns is None else turns.delayed_s
