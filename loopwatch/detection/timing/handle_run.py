"""What ``asyncio.events.Handle._run`` does: call the callback in its context, and report what it raises.

The stopwatch does the first part itself: on every version that is known, that is cheaper than to wrap the method
(``make benchmarks ARGS="--only callback"``, with another ``KNOWN_UNTIL``). The second is left to asyncio.
"""

import sys
from asyncio import events
from collections.abc import Callable
from contextvars import Context
from typing import Any, NoReturn

Run = Callable[[events.Handle], None]
KNOWN_UNTIL = (3, 15)
"""The latest version of Python whose ``Handle._run`` has been read."""


def runs_as_asyncio(run: Run) -> bool:
    """Whether that is asyncio's own method, which nobody has replaced or wrapped."""
    return sys.version_info[:2] <= KNOWN_UNTIL and getattr(run, "__globals__", None) is vars(events)


def report_as_asyncio(run: Run, handle: Any, error: BaseException) -> None:
    """Have asyncio's own method report what the callback of ``handle`` has raised, in a frame of its caller."""
    traceback = error.__traceback__
    # The caller's frame is left out, as it is none of the user's.
    handle._context = _Raising(handle, error.with_traceback(traceback and traceback.tb_next))  # noqa: SLF001
    run(handle)


class _Raising:
    """Stands for the context of a handle whose callback has run already, and raises again what that has raised."""

    __slots__ = ("_context", "_error", "_handle", "get")

    def __init__(self, handle: Any, error: BaseException) -> None:
        self._handle = handle
        self._context: Context = handle._context  # noqa: SLF001
        self._error = error
        self.get = self._context.get
        """The watchdog may ask, in the meantime, which request this is."""

    def run(self, *_: object) -> NoReturn:
        self._handle._context = self._context  # noqa: SLF001
        try:
            raise self._error
        finally:
            # Or the error would be kept by a frame of its own traceback.
            del self._error
