"""Warns of a Python that is later than loopwatch knows: once in the log, and by a system check."""

import functools
import sys

from loopwatch.detection.cpython.opcodes import KNOWN_UNTIL
from loopwatch.detection.loggers import logger_of

logger = logger_of()

STACKS_READABLE = ((3, 15),)
"""The versions whose private ``_remote_debugging`` is known to read the stacks of its own process as the lookout does:
``tests/detection/lookout/test_interface.py`` compares it with the interpreter."""


def is_later_than_known() -> bool:
    """Return whether this Python is later than the last version whose bytecode loopwatch can read."""
    return sys.version_info[:2] > KNOWN_UNTIL


def what_is_not_known() -> str:
    """Return a sentence about the versions, and what is lost on a later one."""
    return (
        f"Python {_text(sys.version_info[:2])} is later than the last version whose bytecode loopwatch can read, "
        f"{_text(KNOWN_UNTIL)}: where it cannot, a report has the function that stalled, not the call in it."
    )


def why_stacks_cannot_be_read() -> str:
    """Return why the lookout cannot read stacks on this Python; empty if it can."""
    if sys.version_info[:2] in STACKS_READABLE:
        return ""
    return f"it needs Python {' or '.join(map(_text, STACKS_READABLE))}, and this is {_text(sys.version_info[:2])}"


@functools.cache
def warn_if_later_than_known() -> None:
    """Log once that this Python is later than known, if it is."""
    if is_later_than_known():
        logger.warning("%s", what_is_not_known())


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
