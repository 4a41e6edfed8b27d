"""What one piece of advice consists of."""

from dataclasses import dataclass
from enum import Enum, auto


class Cure(Enum):
    """What a call itself can be turned into, where it stands in a coroutine function."""

    NONE = auto()
    """Nothing that would be right whatever surrounds it."""
    ASYNC_SLEEP = auto()
    """``await asyncio.sleep(…)``"""
    ASYNC_METHOD = auto()
    """``await acount(…)``: Django's own asynchronous twin of it, by the same name with an "a" before it."""
    THREAD = auto()
    """``await asyncio.to_thread(call, …)``"""
    DJANGO_THREAD = auto()
    """``await sync_to_async(call)(…)``: in the thread that has the request's database connection."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Holds the usual cure for one kind of call.

    ``cure`` and ``caveat`` are English sentences, and the ids of their translations. ``names`` are the leading parts of
    the qualified names that the advice covers, ``example`` is code, and ``link`` points to documentation of the cure.
    """

    topic: str
    cure: str
    names: tuple[str, ...] = ()
    example: str = ""
    caveat: str = ""
    link: str = ""
    call_cure: Cure = Cure.NONE


def gettext_noop(text: str) -> str:
    """Marks a text for translation. Django's own function of this name wants settings."""
    return text
