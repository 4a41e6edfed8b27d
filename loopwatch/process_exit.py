"""Runs a function when the process ends by itself, and when ``SIGTERM`` ends it."""

import atexit
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any


class ProcessExit:
    """Registers one function, which may run twice, until it is unregistered.

    A process that ``multiprocessing`` has forked, as some servers do, ends by ``os._exit``. Before Python 3.13 it ran
    no ``atexit`` function, only the finalizers of ``multiprocessing``
    (https://github.com/python/cpython/issues/83856). The workaround expires with Python 3.12.
    """

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


class Termination:
    """Handles ``SIGTERM`` from ``install`` to ``uninstall``, in the main thread and if nothing else handles it.

    The function runs on a separate thread and may take ``timeout_s``, because the signal may have interrupted code that
    holds a lock. Then the process ends as it would have: by the signal, without any cleanup.
    """

    def __init__(self, function: Callable[[], object], timeout_s: float) -> None:
        self._function = function
        self._timeout_s = timeout_s
        self._is_installed = False

    def install(self) -> None:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            with suppress(ValueError):  # only the main thread may
                signal.signal(signal.SIGTERM, self._terminate)
                self._is_installed = True

    def uninstall(self) -> None:
        """Restore the default, unless other code has replaced the handler."""
        if self._is_installed and signal.getsignal(signal.SIGTERM) == self._terminate:
            with suppress(ValueError):  # the block ends in another thread
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._is_installed = False

    def _terminate(self, number: int, _frame: FrameType | None) -> None:
        thread = threading.Thread(target=self._function, name="loopwatch-stop", daemon=True)
        with suppress(RuntimeError):  # the process can start no thread
            thread.start()
            thread.join(self._timeout_s)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
