"""Which advice fits a blocking call."""

from typing import Final

from loopwatch.advice.advice import Advice
from loopwatch.advice.catalogue import ALL
from loopwatch.advice.catalogue.causes import COMPUTING, LAZY_IMPORT, UNKNOWN, WAITING

_BY_NAME: Final = {name: advice for advice in ALL for name in advice.names}
# An import or a collection needs the same cure regardless of the call that caused it.
_DECIDING: Final = {
    "importing": _BY_NAME["import"],
    "garbage collection": _BY_NAME["gc"],
}
_LAZILY: Final = " (lazy)"
_OTHERWISE: Final = {"computing": COMPUTING, "waiting": WAITING}


def advice_for(blocking_call: str, *, cause: str, called_name: str = "", leaf_name: str = "") -> Advice:
    """The advice for a stall, by the names and the cause that a ``BlockingCall`` has; there always is one.

    The blocking call decides; then what the user's own code called, then what in the end spent the time.
    """
    if blocking_call.endswith(_LAZILY):
        return LAZY_IMPORT
    if cause in _DECIDING:
        return _DECIDING[cause]
    found = (_named(name) for name in (blocking_call, called_name, leaf_name))
    return next((advice for advice in found if advice), _OTHERWISE.get(cause, UNKNOWN))


def _named(name: str) -> Advice | None:
    """The advice whose name is the longest beginning of this one, in whole parts; ``import pandas`` begins with one."""
    name = name.partition(" ")[0]
    while name:
        if name in _BY_NAME:
            return _BY_NAME[name]
        name = name.rpartition(".")[0]
    return None
