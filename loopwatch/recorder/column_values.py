"""Converts values to what every database accepts: no NUL, no lone surrogates, not too long, not out of range."""

import math
import re
import socket
from functools import cache

_REFUSED = re.compile("[\x00\ud800-\udfff]")
_LARGEST_INTEGER = 2**31 - 1
_LARGEST_BIG_INTEGER = 2**53


def text(value: str, length: int) -> str:
    """Return at most ``length`` characters; an ellipsis marks text that was cut."""
    cleaned = _REFUSED.sub("\ufffd", value[: length + 1])
    return cleaned if len(cleaned) <= length else cleaned[: length - 1] + "…"


def path_text(value: str, length: int) -> str:
    """Like ``text``, but keep the end, which says most about a path."""
    cleaned = _REFUSED.sub("\ufffd", value[-length - 1 :])
    return cleaned if len(cleaned) <= length else "…" + cleaned[-length + 1 :]


def integer(value: int) -> int:
    """Limit the number to the range of a ``PositiveIntegerField``."""
    return min(max(int(value), 0), _LARGEST_INTEGER)


def microseconds(duration_ms: float) -> int:
    """Convert to whole microseconds, never negative; infinity and NaN become 0."""
    return min(max(round(duration_ms * 1000), 0), _LARGEST_BIG_INTEGER) if math.isfinite(duration_ms) else 0


def milliseconds(duration_ms: float) -> float:
    """Round to the microsecond; the result is always valid JSON."""
    return microseconds(duration_ms) / 1000


@cache
def host() -> str:
    """Return the name of this machine."""
    return text(socket.gethostname(), 100)
