"""Tokens that have one request traced: signed with the site's ``SECRET_KEY``, and good for a while.

A token says until when, and from how many milliseconds on a step of the request counts as a stall. Nothing is stored,
so a token cannot be taken back: it is meant to be short-lived.
"""

import math
import time

from django.core import signing

MAX_LENGTH = 200
LONGEST_S = 7 * 86_400
SHORTEST_MS, LONGEST_MS = 1.0, 60_000.0
CLOCKS_DIFFER_S = 60.0
"""By how much the clock of the machine that made a token may be ahead."""
_SALT = "loopwatch.trace"


def make_token(valid_s: float, threshold_ms: float) -> str:
    """A token that is good from now on for that many seconds."""
    return signing.Signer(salt=_SALT).sign_object([math.ceil(time.time() + valid_s), threshold_ms])


def threshold_ms_of(token: str) -> float | None:
    """The threshold that a token asks for; ``None`` if it is not one of this site's, or not good now.

    Any token that is not too long costs one signature; signatures are compared in constant time.
    """
    if len(token) > MAX_LENGTH:
        return None
    try:
        payload = signing.Signer(salt=_SALT).unsign_object(token)
    except Exception:  # noqa: BLE001 - not signed, or signed by somebody with the key who put in what is no JSON
        return None
    match payload:
        case [int() | float() as expires_at, int() | float() as threshold_ms]:
            is_good = _is_near(expires_at) and SHORTEST_MS <= threshold_ms <= LONGEST_MS
            return float(threshold_ms) if is_good else None
    return None


def _is_near(expires_at: float) -> bool:
    """Whether it lies in the future, and no further than tokens are good for; NaN does not."""
    return 0 < expires_at - time.time() <= LONGEST_S + CLOCKS_DIFFER_S
