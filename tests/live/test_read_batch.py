"""Messages from the channel layer become batches or are refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loopwatch.live.batch import LINES_LIMIT, SECONDS_LIMIT, TEXT_LIMIT, LiveBatch
from loopwatch.live.outbox import Outbox
from loopwatch.live.read_batch import NotABatchError, read_batch
from tests.live.lines import line

BATCH = LiveBatch("web-1 7", 12, 3, (line(), replace(line(2), stall_id="one", ongoing=True)), {1_700_000_000: 50.0})
MESSAGE = BATCH.as_message()
LINE = MESSAGE["lines"][0]
LARGEST_MESSAGE = 1_000 * (LINES_LIMIT * 8 + SECONDS_LIMIT)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just("x" * 100_000),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
)


def test_a_batch_survives_its_message():
    assert read_batch(MESSAGE) == BATCH


def test_keys_of_a_newer_version_are_ignored():
    newer = MESSAGE | {"host": "web-1", "lines": [LINE | {"trace_id": b"\x00"}], 7: None}
    assert read_batch(newer) == replace(BATCH, lines=BATCH.lines[:1])


@pytest.mark.parametrize("key", MESSAGE)
def test_a_batch_that_lacks_a_key_is_refused(key):
    assert_refused({name: value for name, value in MESSAGE.items() if name != key}, key)


@pytest.mark.parametrize("key", LINE)
def test_a_batch_with_a_line_that_lacks_a_key_is_refused(key):
    assert_refused(MESSAGE | {"lines": [{name: value for name, value in LINE.items() if name != key}]}, key)


@pytest.mark.parametrize("message", [None, "batch", [], 7, b"", [MESSAGE]])
def test_a_message_that_is_not_a_dictionary_is_refused(message):
    assert_refused(message, "dictionary")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "websocket.close"),
        ("process", 7),
        ("process", "x" * (TEXT_LIMIT + 1)),
        ("seen", "x"),
        ("seen", True),
        ("seen", 12.0),
        ("seen", -1),
        ("seen", 2**53),
        ("seen", 2),
        ("count", None),
        ("lines", None),
        ("lines", "line"),
        ("lines", ["line"]),
        ("lines", [LINE] * (LINES_LIMIT + 1)),
        ("blocked", {1: 50.0}),
        ("blocked", [1]),
        ("blocked", [[1, 50.0, 3]]),
        ("blocked", [["1", 50.0]]),
        ("blocked", [[1, float("nan")]]),
        ("blocked", [[1, -50.0]]),
        ("blocked", [[second, 1.0] for second in range(SECONDS_LIMIT + 1)]),
    ],
)
def test_a_batch_with_a_wrong_value_is_refused(key, value):
    assert_refused(MESSAGE | {key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("function", None),
        ("function", b"shop.views"),
        ("headline", "x" * 1_000_000),
        ("duration_ms", float("nan")),
        ("duration_ms", float("inf")),
        ("duration_ms", "50"),
        ("duration_ms", True),
        pytest.param("duration_ms", 10**400, id="huge"),
        ("started_at_ms", 8.65e15),
        ("total_ms", -1.0),
        ("waiting", 1.5),
        ("ongoing", 0),
        ("ongoing", "yes"),
    ],
)
def test_a_batch_with_a_wrong_value_in_a_line_is_refused(key, value):
    assert_refused(MESSAGE | {"lines": [LINE, LINE | {key: value}]}, key)


def test_a_refusal_does_not_quote_what_was_sent():
    with pytest.raises(NotABatchError) as caught:
        read_batch(MESSAGE | {"seen": "\x1b[31m secret"})
    assert str(caught.value) == "seen is of type str"


@given(st.dictionaries(st.sampled_from([*MESSAGE]), anything), st.dictionaries(st.sampled_from([*LINE]), anything))
@example({}, {})
def test_any_message_is_refused_or_readable_by_a_browser(of_batch, of_line):
    try:
        batch = read_batch(MESSAGE | {"lines": [LINE | of_line]} | of_batch)
    except NotABatchError:
        return
    outbox = Outbox()
    outbox.add(batch)
    sent = json.dumps(outbox.take(), allow_nan=False)
    assert len(sent) < LARGEST_MESSAGE


@given(anything)
def test_any_value_that_is_not_a_batch_is_refused(message):
    assert_refused(message)


def assert_refused(message, saying=None):
    with pytest.raises(NotABatchError, match=saying):
        read_batch(message)
