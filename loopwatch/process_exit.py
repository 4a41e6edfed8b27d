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
    """Handles ``SIGTERM`` from ``install`` to ``uninstall``, unless other code handles it.

    All that are installed share one handler, which the main thread installs for the first of them. The function runs
    on a separate thread and may take ``timeout_s``, because the signal may have interrupted code that holds a lock.
    Then the process ends as it would have: by the signal, without any cleanup.
    """

    def __init__(self, function: Callable[[], object], timeout_s: float) -> None:
        self._function = function
        self._timeout_s = timeout_s

    def install(self) -> None:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            with suppress(ValueError):  # only the main thread may
                signal.signal(signal.SIGTERM, _terminate)
        if signal.getsignal(signal.SIGTERM) is _terminate:
            _installed.add(self)

    def uninstall(self) -> None:
        """Restore the default with the last one, unless other code has replaced the handler."""
        _installed.discard(self)
        if not _installed and signal.getsignal(signal.SIGTERM) is _terminate:
            with suppress(ValueError):  # the block ends in another thread
                signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def run(self) -> None:
        thread = threading.Thread(target=self._function, name="loopwatch-stop", daemon=True)
        with suppress(RuntimeError):  # the process can start no thread
            thread.start()
            thread.join(self._timeout_s)


_installed: set[Termination] = set()


def _terminate(number: int, _frame: FrameType | None) -> None:
    for each in tuple(_installed):
        each.run()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
