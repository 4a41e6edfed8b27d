"""Decides what detection leaves out while the GIL is off, in a free-threaded build of Python.

A thread that reads the frames or the context of another holds the GIL, so the other cannot run. Without the GIL the
other runs on and may free what is being read, which crashes the process:
https://github.com/python/cpython/issues/118680 for frames; ``Context.get`` takes no lock either (Python/context.c). So
neither is read, and no call is traced.
"""

import functools
import sys

from loopwatch.detection.loggers import logger_of

logger = logger_of()

LEFT_OUT = (
    "The GIL is off in this process: a stall is reported with the function of its step, not with the call in it that "
    "blocked, and nothing is traced."
)


def is_gil_enabled() -> bool:
    """Return whether only one thread runs at a time. It may become true when an extension is imported, never false."""
    return bool(getattr(sys, "_is_gil_enabled", _always)())


@functools.cache
def warn_if_gil_is_off() -> None:
    """Log once what is left out, if the GIL is off."""
    if not is_gil_enabled():
        logger.warning("%s", LEFT_OUT)


def _always() -> bool:
    """Return ``True``, as is right before Python 3.13."""
    return True
