"""Finds the advice that fits a blocking call."""

from typing import Final

from loopwatch.advice.advice import Advice
from loopwatch.advice.catalogue import ALL
from loopwatch.advice.catalogue.causes import COMPUTING, LAZY_IMPORT, UNKNOWN, WAITING

_BY_NAME: Final = {name: advice for advice in ALL for name in advice.names}
# An import or a collection has the same cure regardless of the call that caused it.
_BY_CAUSE_FIRST: Final = {
    "importing": _BY_NAME["import"],
    "garbage collection": _BY_NAME["gc"],
}
_LAZY_SUFFIX: Final = " (lazy)"
_BY_CAUSE_LAST: Final = {"computing": COMPUTING, "waiting": WAITING}


def advice_for(blocking_call: str, *, cause: str, called_name: str = "", leaf_name: str = "") -> Advice:
    """Return the advice for a stall, by the names and the cause of its ``BlockingCall``; there always is one.

    The blocking call is tried first, then the call made by in-app code, then the innermost function.
    """
    if blocking_call.endswith(_LAZY_SUFFIX):
        return LAZY_IMPORT
    if cause in _BY_CAUSE_FIRST:
        return _BY_CAUSE_FIRST[cause]
    matches = (_match(name) for name in (blocking_call, called_name, leaf_name))
    return next((advice for advice in matches if advice), _BY_CAUSE_LAST.get(cause, UNKNOWN))


def _match(name: str) -> Advice | None:
    """Return the advice for the longest dotted prefix of the name; ``import pandas`` counts as ``import``."""
    name = name.partition(" ")[0]
    while name:
        if name in _BY_NAME:
            return _BY_NAME[name]
        name = name.rpartition(".")[0]
    return None
