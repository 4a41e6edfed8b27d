"""A token is valid only if ``loopwatch_token`` could have made it, even if it is signed with the right key."""

import math
import time

import pytest
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.request_tracing.start import _threshold_ms as threshold_asked_for
from loopwatch.request_tracing.trace_token import LONGEST_S, MAX_LENGTH, make_token, threshold_ms_of
from tests.rows.values import anything

SOON = math.ceil(time.time()) + 86_400
"""A day after the tests were collected, so that no token expires while they run."""


def signed(payload):
    return signing.Signer(salt="loopwatch.trace").sign_object(payload)


def test_a_token_holds_its_threshold_until_it_expires():
    assert threshold_ms_of(make_token(60, 5)) == 5.0
    assert threshold_ms_of(make_token(LONGEST_S, 60_000)) == 60_000.0
    assert threshold_ms_of(make_token(-1, 5)) is None


@pytest.mark.parametrize(
    "payload",
    [
        [SOON, None],
        [SOON],
        [SOON, 5, 5],
        [],
        {},
        None,
        "x",
        [None, 5],
        ["x", 5],
        [str(SOON), 5],
        [SOON, "5"],
        [SOON, [5]],
    ],
    ids=range(12),
)
def test_a_signed_token_of_other_types_is_invalid(payload):
    assert threshold_ms_of(signed(payload)) is None


@pytest.mark.parametrize("threshold_ms", [0, -5, 0.99, 60_001, math.nan, math.inf, -math.inf, 10**100], ids=str)
def test_a_signed_token_with_a_threshold_out_of_range_is_invalid(threshold_ms):
    assert threshold_ms_of(signed([SOON, threshold_ms])) is None


@pytest.mark.parametrize("expires_at", [math.inf, math.nan, -math.inf, 10**100, 0, SOON + LONGEST_S], ids=range(6))
def test_a_signed_token_that_expires_too_late_is_invalid(expires_at):
    assert threshold_ms_of(signed([expires_at, 5])) is None


def test_the_first_of_several_trace_headers_counts():
    good, bad = (b"x-loopwatch-trace", make_token(60, 5).encode()), (b"x-loopwatch-trace", b"yes")
    assert threshold_asked_for([(b"x-other", good[1]), good, bad]) == 5.0
    assert threshold_asked_for([bad, good]) is None
    assert threshold_asked_for([(b"x-loopwatch-trace", b"\xff\xfe"), good]) is None


@pytest.mark.parametrize("text", ["x", "e30", "eyJ", "é", ".eJw", "", ".", "\x00"])
def test_a_signed_token_that_is_no_json_is_invalid(text):
    assert threshold_ms_of(signing.Signer(salt="loopwatch.trace").sign(text)) is None


@given(anything)
def test_any_signed_payload_gives_a_threshold_in_range_or_none(payload):
    token = signed(payload)
    threshold_ms = threshold_ms_of(token)
    assert threshold_ms is None or (len(token) <= MAX_LENGTH and 1 <= threshold_ms <= 60_000)


@given(st.text())
def test_an_unsigned_token_is_invalid(text):
    assert threshold_ms_of(text) is None
