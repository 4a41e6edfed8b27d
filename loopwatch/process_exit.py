"""Runs a function when the process ends, also in a process forked by ``multiprocessing``, as some servers do.

Such a process ends by ``os._exit`` and ran no ``atexit`` function before Python 3.13, only the finalizers of
``multiprocessing`` (https://github.com/python/cpython/issues/83856). The workaround expires with Python 3.12.
"""

import atexit
import sys
from collections.abc import Callable
from typing import Any


class ProcessExit:
    """Registers one function, which may run twice, until it is unregistered."""

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
