"""Tokens that have one request traced: signed with the site's ``SECRET_KEY``, and good for a while.

A token says until when, and from how many milliseconds on a step of the request counts as a stall. Nothing is stored,
so a token cannot be taken back: it is meant to be short-lived.
"""

import math
import time

from django.core import signing

MAX_LENGTH = 200
_SALT = "loopwatch.trace"


def make_token(valid_s: float, threshold_ms: float) -> str:
    """A token that is good from now on for that many seconds."""
    return signing.Signer(salt=_SALT).sign_object([math.ceil(time.time() + valid_s), threshold_ms])


def threshold_ms_of(token: str) -> float | None:
    """The threshold that a token asks for; ``None`` if it is not one of this site's, or good no more.

    It costs one signature, whatever the token, if it is not too long; signatures are compared in constant time.
    """
    if len(token) > MAX_LENGTH:
        return None
    try:
        expires_at, threshold_ms = signing.Signer(salt=_SALT).unsign_object(token)
    except signing.BadSignature:
        return None
    return float(threshold_ms) if time.time() < expires_at else None
