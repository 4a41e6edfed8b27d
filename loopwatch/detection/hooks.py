"""Everything detection puts into the interpreter while somebody watches, and takes out again afterwards."""

import asyncio
import logging
import sys
from collections.abc import Callable

from loopwatch.detection.gc_pauses import GcPauses
from loopwatch.detection.loop_methods import LoopMethods
from loopwatch.detection.stopwatch import LoopClock, Stopwatch

logger = logging.getLogger("loopwatch")

Adopt = Callable[[asyncio.AbstractEventLoop], LoopClock | None]


class Clocks(dict[asyncio.AbstractEventLoop, LoopClock]):
    """The loops being watched. ``[]`` asks ``adopt`` for any other, and is one call in C for those that are here.

    A clock has its loop as ``owner`` for as long as it is here, and not a moment longer: the stopwatch goes by that.
    """

    def __init__(self, adopt: Adopt) -> None:
        super().__init__()
        self._adopt = adopt

    def __setitem__(self, loop: asyncio.AbstractEventLoop, clock: LoopClock) -> None:
        clock.owner = loop
        super().__setitem__(loop, clock)

    def forget(self, loop: asyncio.AbstractEventLoop) -> LoopClock:
        """It is watched no longer; its clock. Instead of ``pop`` and ``del``."""
        clock = self.pop(loop)
        clock.owner = None
        return clock

    def clear(self) -> None:
        for loop in list(self):
            self.forget(loop)

    def __missing__(self, loop: asyncio.AbstractEventLoop) -> LoopClock | None:
        return self._adopt(loop)


class Hooks:
    """``clocks`` are the loops being watched. ``adopt`` is asked for the clock of any other loop that runs a step."""

    def __init__(self, adopt: Adopt) -> None:
        self.clocks = Clocks(adopt)
        self.gc_pauses = GcPauses()
        self._stopwatch = Stopwatch(self.clocks.__getitem__)
        self._loop_methods: dict[type, LoopMethods] = {}

    def install(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Be ready to time the steps of ``loop``; without one, of whatever loop comes to run."""
        self.gc_pauses.install()
        if loop is None or isinstance(loop, asyncio.BaseEventLoop):
            self._stopwatch.install()
        if loop is None and "uvloop" in sys.modules:
            self._install_methods(sys.modules["uvloop"].Loop)
        elif loop is not None and not isinstance(loop, asyncio.BaseEventLoop):
            self._install_methods(type(loop))

    def uninstall(self) -> None:
        self.gc_pauses.uninstall()
        self._stopwatch.uninstall()
        for methods in self._loop_methods.values():
            methods.uninstall()
        self._loop_methods.clear()

    def _install_methods(self, loop_class: type) -> None:
        if loop_class in self._loop_methods:
            return
        methods = self._loop_methods[loop_class] = LoopMethods(loop_class, self.clocks.__getitem__)
        if not methods.install():
            logger.error(
                "loopwatch cannot watch the event loop %s.%s: its class lets no method be replaced. "
                "Use asyncio's own loop or uvloop.",
                loop_class.__module__,
                loop_class.__qualname__,
            )
