"""Ends every lookout before the process forks, and starts none afterwards, nor one that is over.

A forked child frees all interpreters but the main one, wherever they were, which crashes it
(``_PyInterpreterState_DeleteExceptMain``, https://github.com/python/cpython/blob/v3.15.0/Python/pystate.c).
"""

import os
import threading
from typing import Protocol

HAS_FORKED = "the process has forked"


class Endable(Protocol):
    is_over: bool
    """Whether it has been ended, perhaps before it began. ``forbid`` sets it."""

    def stop(self, why: str) -> None:
        """End, and wait for the end."""


class _Lifetimes:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: set[Endable] = set()
        self.has_forked = False


_lifetimes = _Lifetimes()


def begin(lookout: Endable, thread: threading.Thread) -> bool:
    """Start the thread of a lookout. Returns false, and starts nothing, if it is over or the process has forked."""
    with _lifetimes.lock:
        if _lifetimes.has_forked or lookout.is_over:
            return False
        _lifetimes.running.add(lookout)
        try:
            thread.start()
        except BaseException:
            _lifetimes.running.discard(lookout)
            raise
        return True


def forbid(lookout: Endable) -> None:
    """Note that a lookout is over. From now on its thread either has started, or never will."""
    with _lifetimes.lock:
        lookout.is_over = True


def end(lookout: Endable) -> None:
    """Note that a lookout has ended."""
    _lifetimes.running.discard(lookout)


def _before_fork() -> None:
    with _lifetimes.lock:
        _lifetimes.has_forked = True
        running = list(_lifetimes.running)
    for lookout in running:
        lookout.stop(HAS_FORKED)


def _after_fork_in_child() -> None:
    """Begin again: the child has none of the threads, and may have been forked while another one had the lock."""
    global _lifetimes  # noqa: PLW0603
    _lifetimes = _Lifetimes()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
