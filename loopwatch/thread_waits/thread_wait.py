"""A thread wait as plain data."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loopwatch.detection.calls import Request

ThreadKind = Literal["process", "request", "executor"]
"""The thread of the process, for all calls outside of Django's requests, the thread of one request, or the threads of
a loop's default executor."""

Describe = Callable[[], Request]


@dataclass(frozen=True, slots=True)
class HeldThreads:
    """How many threads the calls of one function held during a wait, on average, but at least one."""

    name: str
    threads: int


@dataclass(frozen=True, slots=True)
class ThreadWait:
    """A call that waited for a thread while other calls held all of them.

    ``held_by`` is the qualified name of the function whose calls held the threads most of that time. ``holder`` and
    ``waiter`` describe the requests of the two calls, if any; they resolve URLs, so call them only on a thread of
    loopwatch.
    """

    began_at: datetime
    waited_ms: float
    thread: ThreadKind
    held: tuple[HeldThreads, ...]
    """What held the threads, the function that held them most first; at most ``MOST_NAMED``, at least one."""
    holder: Describe | None
    waiter: Describe | None
    threads: int = 1
    """How many threads there were to wait for."""
    waiting: int = 1
    """How many calls waited at the same time when this one was submitted or, if more, while it went on waiting."""
    ongoing: bool = False
    """Whether the call still waits, and will be reported again."""

    @property
    def held_by(self) -> str:
        return self.held[0].name
