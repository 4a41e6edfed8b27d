"""Reads what the other threads of the process run while a stall goes on. Runs on the watchdog's thread.

A loop that hangs often waits for another thread, so the stacks of both sides are needed. As in a sample, only code
objects and offsets are kept.
"""

import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from operator import call

from loopwatch.detection.cpython.frames import Standing, at_once, stack_of
from loopwatch.detection.cpython.free_threading import is_gil_enabled
from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.cpython.sites import Site

MOST_LOOKED_AT = 200
MOST_STACKS = 20
MOST_FRAMES = 100

Sites = tuple[Site, ...]


def other_threads(loop_thread_id: int) -> tuple[tuple[Sites, int], ...]:
    """Return the different stacks of the other threads, innermost frame first, each with the number of threads.

    Loopwatch's own threads are left out, and so are those of executors that have nothing to do. With the GIL off,
    nothing is read.
    """
    if not is_gil_enabled():
        return ()
    stacks: Counter[Sites] = Counter()
    for thread_id in _thread_ids()[:MOST_LOOKED_AT]:
        if thread_id in (loop_thread_id, threading.get_ident()):
            continue
        standing = stack_of(thread_id, "").standing
        if standing and not is_own(map(_module, reversed(standing))) and not _is_idle(standing[0]):
            stacks[tuple(map(_site, standing[:MOST_FRAMES]))] += 1
    return tuple(stacks.most_common(MOST_STACKS))


def is_own(modules: Iterable[str]) -> bool:
    """Return whether a thread is loopwatch's own, by the modules of its frames, outermost first."""
    began = next((module for module in modules if module != "threading"), "")
    return began.partition(".")[0] == "loopwatch"


def _thread_ids() -> list[int]:
    """Return the ids of all threads, in one call, so that no frame outlives it."""
    ids: list[int] = []
    frames: Iterator[Iterable[int]] = map(call, (sys._current_frames,))  # noqa: SLF001
    at_once(partial(ids.extend, chain.from_iterable(frames)))
    return ids


def _is_idle(standing: Standing) -> bool:
    return _module(standing) == "concurrent.futures.thread" and standing.code.co_name == "_worker"


def _module(standing: Standing) -> str:
    return module_name(standing.namespace)


def _site(standing: Standing) -> Site:
    return Site(standing.code, standing.offset, _module(standing))
