"""Runs something as the process ends, also in one that ``multiprocessing`` has forked, as some servers do.

Such a process runs nothing of ``atexit`` before Python 3.13, but what ``multiprocessing`` is told to finalize.
"""

import atexit
import sys
from collections.abc import Callable
from typing import Any


class AtExit:
    """One function, until it is taken back. It may be run twice."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._finalizer: Any = None

    def register(self) -> None:
        atexit.register(self._function)
        multiprocessing = sys.modules.get("multiprocessing.util")
        if multiprocessing is not None:
            self._finalizer = multiprocessing.Finalize(None, self._function, exitpriority=0)

    def unregister(self) -> None:
        atexit.unregister(self._function)
        if self._finalizer is not None:
            self._finalizer.cancel()
            self._finalizer = None
