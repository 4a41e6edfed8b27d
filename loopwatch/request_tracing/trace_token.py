"""Tokens that have one request traced: signed with the site's ``SECRET_KEY``, and valid for a limited time.

A token holds its expiry and the threshold of the request's stalls. Nothing is stored, so a token cannot be revoked: it
should be short-lived.
"""

import math
import time

from django.core import signing

MAX_LENGTH = 200
LONGEST_S = 7 * 86_400
SHORTEST_MS, LONGEST_MS = 1.0, 60_000.0
CLOCK_SKEW_S = 60.0
"""How far the clock of the machine that made a token may be ahead."""
_SALT = "loopwatch.trace"


def make_token(valid_s: float, threshold_ms: float) -> str:
    """Return a token that is valid from now on for ``valid_s`` seconds."""
    return signing.Signer(salt=_SALT).sign_object([math.ceil(time.time() + valid_s), threshold_ms])


def threshold_ms_of(token: str) -> float | None:
    """Return the threshold that a token asks for; ``None`` if the token is forged, damaged or expired.

    A token of any content costs at most one signature; signatures are compared in constant time.
    """
    if len(token) > MAX_LENGTH:
        return None
    try:
        payload = signing.Signer(salt=_SALT).unsign_object(token)
    except Exception:  # noqa: BLE001 - a bad signature, or a good one over something other than JSON
        return None
    match payload:
        case [int() | float() as expires_at, int() | float() as threshold_ms]:
            is_valid = _is_near(expires_at) and SHORTEST_MS <= threshold_ms <= LONGEST_MS
            return float(threshold_ms) if is_valid else None
    return None


def _is_near(expires_at: float) -> bool:
    """Return whether the expiry is in the future, and within the longest validity; NaN is not."""
    return 0 < expires_at - time.time() <= LONGEST_S + CLOCK_SKEW_S
