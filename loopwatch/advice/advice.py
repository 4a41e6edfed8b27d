"""Defines the data of one piece of advice."""

from dataclasses import dataclass
from enum import Enum, auto


class Cure(Enum):
    """Names what a call in a coroutine function can be replaced by."""

    NONE = auto()
    """Nothing that is right in every context."""
    ASYNC_SLEEP = auto()
    """``await asyncio.sleep(…)``"""
    ASYNC_METHOD = auto()
    """``await acount(…)``: Django's asynchronous version of the call, with the same name and the prefix "a"."""
    THREAD = auto()
    """``await asyncio.to_thread(call, …)``"""
    DJANGO_THREAD = auto()
    """``await sync_to_async(call)(…)``: in the thread that holds the request's database connection."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Holds the usual cure for one kind of call.

    ``cure`` and ``caveat`` are English sentences, and the ids of their translations. ``names`` are the leading parts of
    the qualified names that the advice covers, and ``exact_names`` are whole ones. ``example`` is code, and ``link``
    points to documentation of the cure. ``runs_given_code`` says that the functions call functions, or iterate over
    data, that their caller gives them. ``changes_the_call`` says that only who makes the call can follow the cure,
    which is not for a call that a library makes.
    """

    topic: str
    cure: str
    names: tuple[str, ...] = ()
    exact_names: tuple[str, ...] = ()
    example: str = ""
    caveat: str = ""
    link: str = ""
    call_cure: Cure = Cure.NONE
    runs_given_code: bool = False
    changes_the_call: bool = False


def gettext_noop(text: str) -> str:
    """Mark a text for translation. Django's function of this name imports Django, which this package must not."""
    return text
