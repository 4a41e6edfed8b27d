"""Measures the waits for all threads of a process: those of asgiref, and those of the loops' default executors."""

import asyncio

from loopwatch.thread_waits.asgiref_hooks import AsgirefHooks
from loopwatch.thread_waits.default_executors import DefaultExecutors
from loopwatch.thread_waits.thread_queue import ReportWait


class ThreadWaitHooks:
    """The hooks of this process. Only one thread may call the methods at a time."""

    def __init__(self) -> None:
        self._asgiref = AsgirefHooks()
        self._default_executors = DefaultExecutors()
        self._measured: tuple[float, float, ReportWait] | None = None

    def install(self, threshold_s: float, ongoing_after_s: float, report: ReportWait) -> None:
        """Measure the threads of asgiref, and from now on those of each loop that is added. See ``AsgirefHooks``."""
        self._measured = threshold_s, ongoing_after_s, report
        self._asgiref.install(*self._measured)

    def add(self, loop: asyncio.AbstractEventLoop) -> None:
        """Measure the default executor of a loop too, if the hooks are installed."""
        if self._measured is not None:
            self._default_executors.install(loop, *self._measured)

    def remove(self, loop: asyncio.AbstractEventLoop) -> None:
        self._default_executors.uninstall(loop)

    def uninstall(self) -> None:
        """Remove all hooks."""
        self._measured = None
        self._asgiref.uninstall()
        self._default_executors.uninstall_all()
