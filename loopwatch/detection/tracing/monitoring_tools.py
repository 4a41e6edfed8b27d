"""The two tools of ``sys.monitoring`` that the tracer uses: their ids, callbacks and events.

Reference: https://docs.python.org/3/library/sys.monitoring.html and PEP 669.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from types import CodeType
from typing import Any

from loopwatch.detection.tracing.tracer import TracingUnavailableError

monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
events = monitoring.events
Callbacks = Mapping[int, Callable[..., Any]]

SCOUT, TIMER = "loopwatch scout", "loopwatch timer"
# Ids 0 to 2 are by convention those of debuggers, coverage and profilers, and 5 is that of optimizers.
_TOOL_IDS = (3, 4, 5, 2, 1, 0)
_BEGINS = events.PY_START | events.PY_RESUME
_TIMED = _BEGINS | events.PY_RETURN | events.PY_YIELD | events.CALL
_EXCEPTIONS = events.PY_UNWIND | events.PY_THROW
ALL_CALLS_HAVE_EVENTS = sys.version_info >= (3, 13)
"""Before, the timer gets no event for ``function(*arguments)``."""


class MonitoringTool:
    """One tool, with the events that it gets from all code. Other code may free its id, and another tool take it."""

    def __init__(self, name: str, everywhere: int) -> None:
        self.id = -1
        self._name = name
        self._everywhere = everywhere
        self._callbacks: Callbacks = {}

    @property
    def is_installed(self) -> bool:
        return self.id >= 0 and monitoring.get_tool(self.id) == self._name

    def install(self, tool_id: int, callbacks: Callbacks) -> None:
        monitoring.use_tool_id(tool_id, self._name)
        for event, callback in callbacks.items():
            monitoring.register_callback(tool_id, event, callback)
        monitoring.set_events(tool_id, self._everywhere)
        self.id, self._callbacks = tool_id, callbacks

    def remove(self, codes: Iterable[CodeType] = ()) -> None:
        """Free the id, if the tool has one. ``codes`` are the code objects with their own events."""
        is_installed, tool_id, self.id = self.is_installed, self.id, -1
        if not is_installed:
            return
        for code in codes:
            monitoring.set_local_events(tool_id, code, 0)
        monitoring.set_events(tool_id, 0)
        for event in self._callbacks:  # from Python 3.14 on, freeing the id does this
            monitoring.register_callback(tool_id, event, None)
        monitoring.free_tool_id(tool_id)


class Scout(MonitoringTool):
    """Gets an event when code begins, once for each code object."""

    def __init__(self) -> None:
        super().__init__(SCOUT, _BEGINS)

    def install(self, tool_id: int, callbacks: Callbacks) -> None:
        super().install(tool_id, callbacks)
        # Events that an earlier scout disabled stay disabled until the code has run without a scout.
        monitoring.restart_events()


class Timer(MonitoringTool):
    """Gets the events of the code objects that are timed."""

    def __init__(self) -> None:
        super().__init__(TIMER, 0)
        self._events = _TIMED | _EXCEPTIONS

    def install(self, tool_id: int, callbacks: Callbacks) -> None:
        super().install(tool_id, callbacks)
        if not _has_local_exceptions(tool_id):
            self._events = _TIMED
            monitoring.set_events(tool_id, _EXCEPTIONS)

    def time(self, code: CodeType) -> None:
        if self.is_installed:
            monitoring.set_local_events(self.id, code, self._events)

    def leave(self, code: CodeType) -> None:
        """Get no more events of this code, except those that all code has."""
        if self.is_installed:
            monitoring.set_local_events(self.id, code, 0)


def free_tool_ids(needed: int) -> list[int]:
    """Return the tool ids that are free. Raises ``TracingUnavailableError`` if they are fewer than ``needed``."""
    free = [tool for tool in _TOOL_IDS if monitoring.get_tool(tool) is None]
    if len(free) < needed:
        raise TracingUnavailableError(_unavailable())
    return free


def _has_local_exceptions(tool_id: int) -> bool:
    """Return whether events of exceptions can be set for one code object, as from Python 3.15 on.

    Before, all code of the process pays for them while the timer is installed:
    https://github.com/python/cpython/issues/146182
    """
    code = _has_local_exceptions.__code__
    try:
        monitoring.set_local_events(tool_id, code, _EXCEPTIONS)
    except ValueError:
        return False
    monitoring.set_local_events(tool_id, code, 0)
    return True


def _unavailable() -> str:
    holders = [f"{tool} by {name!r}" for tool in range(6) if (name := monitoring.get_tool(tool)) is not None]
    return (
        "Tracing needs two of the six tool ids of sys.monitoring, or one to trace a request, and fewer are free: "
        f'{", ".join(holders)}. End one of these tools, or use engine="sampling"'
    )
