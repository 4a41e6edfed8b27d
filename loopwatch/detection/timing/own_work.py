"""Work that loopwatch causes itself: callbacks and sinks, which may run event loops to pass a report on.

A stall of such a loop is not reported: its report would be passed on in the same way, and cause the next one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from loopwatch.detection.machine.clock import NEVER, now

_began: ContextVar[float] = ContextVar("loopwatch_own_work_began", default=NEVER)
"""Child tasks inherit it, and so does the loop that ``async_to_sync`` runs in another thread."""


@contextmanager
def own_work() -> Iterator[None]:
    """Mark what the ``with`` block runs as loopwatch's own work."""
    token = _began.set(now())
    try:
        yield
    finally:
        _began.reset(token)


def is_own_work() -> bool:
    """Return whether the current thread does loopwatch's own work."""
    return _began.get() != NEVER


def is_step_of_own_work(handle: object, loop_found_at: float) -> bool:
    """Return whether a step belongs to own work that was under way when its loop was found.

    A loop that was there before belongs to the program, even if the work has given it something to do.
    """
    context = getattr(handle, "_context", None)
    return context is not None and bool(context.get(_began, NEVER) <= loop_found_at)
