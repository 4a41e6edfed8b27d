"""The loops that are watched, and the hooks that detection puts into the interpreter meanwhile."""

import asyncio
import functools
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Generic, TypeVar

from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.timing.due import LoopCalls
from loopwatch.detection.timing.foreign_loops import LoopMethods
from loopwatch.detection.timing.steps import StepObserver
from loopwatch.detection.timing.stopwatch import Stopwatch

logger = logger_of()

Observer = TypeVar("Observer", bound=StepObserver)


class WatchedLoops(dict[asyncio.AbstractEventLoop, Observer]):
    """The observer of each watched loop. ``[]`` asks ``adopt`` about any other loop.

    ``[]`` is one call in C for the loops that are here. An observer has its loop as ``owner`` exactly while it is here,
    which the stopwatch relies on. Call ``forget`` instead of ``pop`` or ``del``.
    """

    def __init__(self, adopt: Callable[[asyncio.AbstractEventLoop], Observer | None]) -> None:
        super().__init__()
        self._adopt = adopt

    def __setitem__(self, loop: asyncio.AbstractEventLoop, observer: Observer) -> None:
        observer.owner = loop
        super().__setitem__(loop, observer)

    def forget(self, loop: asyncio.AbstractEventLoop) -> Observer:
        """Watch the loop no longer. Returns its observer."""
        observer = self.pop(loop)
        observer.owner = None
        return observer

    def clear(self) -> None:
        for loop in list(self):
            self.forget(loop)

    def __missing__(self, loop: asyncio.AbstractEventLoop) -> Observer | None:
        return self._adopt(loop)


class LoopHooks(Generic[Observer]):
    """Puts the stopwatch into the loops, and takes it out again. ``watched`` are the loops being watched."""

    def __init__(self, adopt: Callable[[asyncio.AbstractEventLoop], Observer | None]) -> None:
        self.watched = WatchedLoops(adopt)
        self._stopwatch = Stopwatch(self.watched.__getitem__)
        self._loop_calls = LoopCalls(self.watched.get)
        self._loop_methods: dict[type, LoopMethods] = {}

    def install(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Prepare to time the steps of ``loop``; without one, of every loop that comes to run."""
        if loop is None or isinstance(loop, asyncio.BaseEventLoop):
            self._stopwatch.install()
            self._loop_calls.install()
        # Importing an old uvloop would switch the GIL on, where it is off.
        may_import = loop is None and (is_gil_enabled() or "uvloop" in sys.modules)
        uvloops = _uvloops() if may_import else None
        if uvloops is not None:
            self._install_methods(uvloops)
        elif loop is not None and not isinstance(loop, asyncio.BaseEventLoop):
            self._install_methods(type(loop))

    def uninstall(self) -> None:
        self._stopwatch.uninstall()
        self._loop_calls.uninstall()
        for methods in self._loop_methods.values():
            methods.uninstall()
        self._loop_methods.clear()

    def _install_methods(self, loop_class: type) -> None:
        if loop_class in self._loop_methods:
            return
        methods = self._loop_methods[loop_class] = LoopMethods(loop_class, self.watched.__getitem__)
        if not methods.install():
            logger.error(
                "loopwatch cannot watch the event loop %s.%s: its class lets no method be replaced. "
                "Use asyncio's own loop or uvloop.",
                loop_class.__module__,
                loop_class.__qualname__,
            )


@functools.cache
def _uvloops() -> type | None:
    """Return the class of uvloop's loops, which the program may import later; ``None`` without a uvloop that works."""
    try:
        loop_class: type = import_module("uvloop").Loop
    except Exception:  # noqa: BLE001 - a broken uvloop is not what the program asked for
        return None
    return loop_class
