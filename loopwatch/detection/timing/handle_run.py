"""Replaces one half of ``asyncio.events.Handle._run``: calling the callback. Reporting its errors is left to asyncio.

The stopwatch calls the callback itself, because that costs less than a wrapper around the method on every known version
of Python (``make benchmarks ARGS="--only callback"``, with another ``KNOWN_UNTIL``).
Source: Lib/asyncio/events.py, ``Handle._run``.
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
    """Return whether ``run`` is asyncio's own method, neither replaced nor wrapped."""
    return sys.version_info[:2] <= KNOWN_UNTIL and getattr(run, "__globals__", None) is vars(events)


def report_as_asyncio(run: Run, handle: Any, error: BaseException) -> None:
    """Let asyncio's own method report the error that the callback of ``handle`` has raised in the calling frame."""
    traceback = error.__traceback__
    # The traceback starts below the calling frame, which is not the user's.
    handle._context = _Raising(handle, error.with_traceback(traceback and traceback.tb_next))  # noqa: SLF001
    run(handle)


class _Raising:
    """Replaces the context of a handle whose callback has run already, and raises its error again.

    A callback may have cancelled its own handle, as one does that removes the reader it was called for. That takes away
    the arguments, which ``Handle._run`` would fail to unpack.
    """

    __slots__ = ("_args", "_context", "_error", "_handle", "get")

    def __init__(self, handle: Any, error: BaseException) -> None:
        self._handle = handle
        self._args: Any = handle._args  # noqa: SLF001
        self._context: Context = handle._context  # noqa: SLF001
        handle._args = ()  # noqa: SLF001
        self._error = error
        self.get = self._context.get
        """As in a context: the watchdog may look up the request of the step at any moment."""

    def run(self, *_: object) -> NoReturn:
        self._handle._context, self._handle._args = self._context, self._args  # noqa: SLF001
        try:
            raise self._error
        finally:
            # A frame of its own traceback would keep the error alive.
            del self._error
