"""Whether loopwatch knows the interpreter it runs on: the log says once where it does not, and a check does too."""

import functools
import sys

from loopwatch.detection.cpython.opcodes import KNOWN_UNTIL
from loopwatch.detection.loggers import logger_of

logger = logger_of()


def is_later_than_known() -> bool:
    """Whether this version of Python has come after the last one whose bytecode has been read."""
    return sys.version_info[:2] > KNOWN_UNTIL


def what_is_not_known() -> str:
    """A sentence about the versions, and what a later one costs."""
    return (
        f"Python {_text(sys.version_info[:2])} is later than the last version whose bytecode loopwatch can read, "
        f"{_text(KNOWN_UNTIL)}: where it cannot, a report has the function that stalled, not the call in it."
    )


@functools.cache
def warn_if_later_than_known() -> None:
    """Say so in the log, the first time."""
    if is_later_than_known():
        logger.warning("%s", what_is_not_known())


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
