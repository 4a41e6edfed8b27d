"""Finds out how many threads the pool of the current thread may have.

A loop's default executor cannot be asked: the loop makes it when it is first used, and uvloop does not show it.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import ref


def pool_size() -> int:
    """Return the largest number of threads of the pool that the current thread belongs to; 0 if that is unknown.

    A ``ThreadPoolExecutor`` passes a weak reference to itself as the first argument of each of its threads
    (https://github.com/python/cpython/blob/v3.14.0/Lib/concurrent/futures/thread.py#L229-L237), which the ``Thread``
    keeps while it runs (https://github.com/python/cpython/blob/v3.14.0/Lib/threading.py#L1002-L1018).
    """
    args: Any = getattr(threading.current_thread(), "_args", None)
    if not isinstance(args, tuple) or not args or not isinstance(args[0], ref):
        return 0
    executor = args[0]()
    return executor._max_workers if isinstance(executor, ThreadPoolExecutor) else 0  # noqa: SLF001
