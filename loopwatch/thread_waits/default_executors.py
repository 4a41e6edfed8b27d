"""Hooks the loops that are watched, so that each call for a loop's default executor is timed, and removes the hooks.

``asyncio.to_thread``, ``sync_to_async(thread_sensitive=False)`` and ``loop.getaddrinfo`` of asyncio all call
``run_in_executor(None, …)`` of the loop. The method is replaced in the loop object, because the executor behind it may
be made later or replaced, and uvloop does not show it. Calls with another executor, and calls that were queued
before, are not measured; nor is a pool of interpreters, which accepts some functions only as they are.
"""

import asyncio
from functools import partial, wraps
from inspect import iscoroutinefunction
from types import FunctionType, MethodType
from typing import Any

from loopwatch.detection.cpython.namespaces import is_of
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.timing.replacements import Replacements
from loopwatch.thread_waits.thread_queue import Measurement, QueuedCall, ReportWait, ThreadQueue

logger = logger_of()


class DefaultExecutors:
    """The hooks of the loops of this process. Only one thread may call the methods at a time."""

    def __init__(self) -> None:
        self._hooked: dict[asyncio.AbstractEventLoop, tuple[Measurement, Replacements]] = {}
        self._has_complained = False

    def install(
        self, loop: asyncio.AbstractEventLoop, threshold_s: float, ongoing_after_s: float, report: ReportWait
    ) -> None:
        """Call ``report`` with every wait of at least the threshold, on the thread that was waited for.

        A wait that lasts longer than ``ongoing_after_s`` is also reported while it goes on, on a new thread.
        ``report`` must return soon and must not raise. A loop that cannot be hooked is logged once.
        """
        self.uninstall(loop)
        measurement, replacements = Measurement(threshold_s, ongoing_after_s, report), Replacements()
        try:
            for method in _timed(loop, ThreadQueue("executor", measurement)):
                replacements.replace(loop, method.__name__, method)
        except (AttributeError, TypeError) as error:
            replacements.restore()
            if not self._has_complained:
                self._has_complained = True
                logger.warning("Waits for the default executor are not measured with this event loop: %s", error)
            return
        self._hooked[loop] = measurement, replacements

    def uninstall(self, loop: asyncio.AbstractEventLoop) -> None:
        """Restore the loop; a replacement that other code has wrapped stays, and measures nothing."""
        if loop in self._hooked:
            measurement, replacements = self._hooked.pop(loop)
            measurement.report = None
            replacements.restore()

    def uninstall_all(self) -> None:
        """Restore all loops."""
        for loop in list(self._hooked):
            self.uninstall(loop)


def _timed(loop: asyncio.AbstractEventLoop, queue: ThreadQueue) -> tuple[Any, Any]:
    """Return replacements of ``run_in_executor`` and ``set_default_executor``."""
    run, set_executor = loop.run_in_executor, loop.set_default_executor
    is_of_interpreters = _is_of_interpreters(getattr(loop, "_default_executor", None))

    @wraps(run)
    def run_in_executor(executor: Any, func: Any, *args: Any) -> Any:
        if executor is not None and not args:  # as asgiref calls it for each call of ``sync_to_async``
            return run(executor, func)
        # uvloop, and asyncio in debug mode, refuse what cannot be called or is a coroutine function.
        if executor is not None or is_of_interpreters or not callable(func) or _is_async(func):
            return run(executor, func, *args)
        call = queue.enter(func)
        try:
            return run(None, call, *args)
        except BaseException:  # the executor is shut down, or there was no room for a thread
            if isinstance(call, QueuedCall):
                queue.withdraw(call)
            raise

    @wraps(set_executor)
    def set_default_executor(executor: Any) -> None:
        nonlocal is_of_interpreters
        set_executor(executor)
        is_of_interpreters = _is_of_interpreters(executor)

    return run_in_executor, set_default_executor


def _is_async(func: Any) -> bool:
    """Return whether that is a coroutine function. A lazy object is not asked, which would evaluate it."""
    while is_of(func, partial, MethodType):
        func = func.func if type(func) is partial else func.__func__
    return type(func) is FunctionType and iscoroutinefunction(func)


def _is_of_interpreters(executor: object) -> bool:
    """Find the class ``InterpreterPoolExecutor`` of Python 3.14 by its module, so that the module is not imported."""
    return any(each.__module__ == "concurrent.futures.interpreter" for each in type(executor).__mro__)
