"""A thread wait as plain data."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loopwatch.detection.calls import Request

ThreadKind = Literal["process", "request"]
"""Whose thread: the one that a process has for everything outside of Django's requests, or that of a single request."""

Describe = Callable[[], Request]


@dataclass(frozen=True, slots=True)
class ThreadWait:
    """A call that waited for its thread while others held it.

    ``held_by`` is the qualified name of the call that held it for most of that time. ``holder`` and ``waiter`` tell the
    requests that both belong to, where there are any; that takes a moment, and is not for a thread others wait for.
    """

    began_at: datetime
    waited_ms: float
    thread: ThreadKind
    held_by: str
    holder: Describe | None
    waiter: Describe | None
    ongoing: bool = False
    """It waits still, and is reported again."""
