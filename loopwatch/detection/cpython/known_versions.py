"""Warns of a Python that is later than loopwatch knows: once in the log, and by a system check."""

import functools
import sys

from loopwatch.detection.cpython.opcodes import KNOWN_UNTIL
from loopwatch.detection.loggers import logger_of

logger = logger_of()


def is_later_than_known() -> bool:
    """Return whether this Python is later than the last version whose bytecode loopwatch can read."""
    return sys.version_info[:2] > KNOWN_UNTIL


def what_is_not_known() -> str:
    """Return a sentence about the versions, and what is lost on a later one."""
    return (
        f"Python {_text(sys.version_info[:2])} is later than the last version whose bytecode loopwatch can read, "
        f"{_text(KNOWN_UNTIL)}: where it cannot, a report has the function that stalled, not the call in it."
    )


@functools.cache
def warn_if_later_than_known() -> None:
    """Log once that this Python is later than known, if it is."""
    if is_later_than_known():
        logger.warning("%s", what_is_not_known())


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
