"""A thread wait as plain data."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loopwatch.detection.calls import Request

ThreadKind = Literal["process", "request"]
"""The thread of the process, for all calls outside of Django's requests, or the thread of one request."""

Describe = Callable[[], Request]


@dataclass(frozen=True, slots=True)
class ThreadWait:
    """A call that waited for its thread while other calls held it.

    ``held_by`` is the qualified name of the call that held the thread most of that time. ``holder`` and ``waiter``
    describe the requests of the two calls, if any; they resolve URLs, so call them on a thread of loopwatch only.
    """

    began_at: datetime
    waited_ms: float
    thread: ThreadKind
    held_by: str
    holder: Describe | None
    waiter: Describe | None
    ongoing: bool = False
    """Whether the call still waits, and will be reported again."""
