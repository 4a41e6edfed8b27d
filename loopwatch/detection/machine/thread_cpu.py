"""CPU clocks of every thread of the process, to find out which thread ran while the loop could not.

Only threads that ``threading`` knows are read, and only on Linux. A clock is addressed by the number of the kernel's
thread, so reading one that has just ended raises ``OSError``; ``pthread_getcpuclockid`` would read freed memory.
"""

import os
import sys
import threading
from typing import NamedTuple

from loopwatch.detection.cpython.namespaces import own_attribute
from loopwatch.detection.machine.clock import NEVER, now, own_time

ENDED = 0
"""Stands for the identifier of a thread that has ended, so that ``threading`` does not know it any more."""
IS_SUPPORTED = sys.platform == "linux"
_PER_THREAD, _SCHEDULED = 4, 2
SHARE = 0.001
"""At most this share of the time is spent on readings, so a process with many threads is read less often."""
NEGLIGIBLE_S = 0.001
"""As long as all threads together have used less since the latest reading, it is as good as a new one."""


_forking_thread: threading.Thread | None = None
"""In a forked child, the thread that forked."""


class _Numbers(NamedTuple):
    """The identifier of a thread, which is soon reused after the thread has ended, and its number in the kernel."""

    thread_id: int
    native_id: int


class CpuUse(NamedTuple):
    """The CPU seconds that each thread, by its identifier, has used since ``since``."""

    since: float
    by_thread: dict[int, float]


class ThreadCpu:
    """The latest readings of all threads. Only the watchdog's thread uses it."""

    def __init__(self) -> None:
        self._used_s: dict[_Numbers, float] = {}
        self._read_at = self._next_at = -NEVER
        self._process_s = -NEVER

    def read(self) -> None:
        """Read all clocks, unless that was done recently for what it costs."""
        started = now()
        if started < self._next_at:
            return
        used_s = own_time.process_time()
        if used_s - self._process_s < NEGLIGIBLE_S:
            self._read_at = started
            return
        self._used_s, self._read_at, self._process_s = _read_all(), started, used_s
        self._next_at = started + (now() - started) / SHARE

    def use(self) -> CpuUse:
        """Return what each thread has used since the latest reading; a new thread, since it began."""
        before = self._used_s
        used_s = {numbers.thread_id: used_s - before.get(numbers, 0.0) for numbers, used_s in _read_all().items()}
        return CpuUse(self._read_at, used_s)


def thread_cpu_s(thread_id: int) -> float | None:
    """Return the CPU seconds that a thread has used; ``None`` if it has ended or cannot be read."""
    native_id = native_id_of(thread_id)
    return None if native_id is None else _read(native_id)


def thread_id_of(native_id: int) -> int:
    """Return the identifier of a thread, or ``ENDED``."""
    return next((thread_id for thread_id, thread in _active().items() if _native_id(thread) == native_id), ENDED)


def native_id_of(thread_id: int) -> int | None:
    """Return the kernel's number of a thread; ``None`` if it has ended."""
    thread = _active().get(thread_id)
    return None if thread is None else _native_id(thread)


def _read_all() -> dict[_Numbers, float]:
    numbers = {thread_id: _native_id(thread) for thread_id, thread in _active().items()}
    return {
        _Numbers(thread_id, native_id): used_s
        for thread_id, native_id in numbers.items()
        if native_id is not None and (used_s := _read(native_id)) is not None
    }


def _active() -> dict[int, threading.Thread]:
    # ``threading.enumerate`` would wait for a lock that a thread without the GIL may hold.
    return dict(threading._active) if IS_SUPPORTED else {}  # type: ignore[attr-defined] # noqa: SLF001


def _native_id(thread: threading.Thread) -> int | None:
    """Return the kernel's number for a thread, without running code of its class.

    Before Python 3.14, the thread that forked keeps in the child the number that it had in the parent:
    https://github.com/python/cpython/issues/132542
    """
    if thread is _forking_thread:
        return os.getpid()
    native_id = own_attribute(thread, "_native_id")
    return native_id if type(native_id) is int else None


def _read(native_id: int) -> float | None:
    try:
        return own_time.clock_gettime(_clock_id(native_id))
    except OSError:
        return None


def _clock_id(native_id: int) -> int:
    """Return the clock of a kernel thread, as the kernel defines it.

    https://github.com/torvalds/linux/blob/v6.12/include/linux/posix-timers_types.h
    """
    return (~native_id << 3) | _PER_THREAD | _SCHEDULED


def _after_fork_in_child() -> None:
    global _forking_thread  # noqa: PLW0603
    _forking_thread = threading.main_thread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
