"""A finding is named by the call that in-app code made, and by what took the time inside it."""

import pytest

from loopwatch.headline import at_least, headline


@pytest.mark.parametrize(
    ("called", "detail", "text"),
    [
        pytest.param("requests.get", "socket.recv", "requests.get → socket.recv", id="both"),
        pytest.param("time.sleep", "time.sleep", "time.sleep", id="one, if they are the same"),
        pytest.param("", "json.dumps", "json.dumps", id="the detail, if in-app code called nothing"),
    ],
)
def test_a_headline_has(called, detail, text):
    assert headline(called=called, detail=detail) == text


@pytest.mark.parametrize(("calls_seen", "text"), [(1, ""), (2, "at least 2 calls"), (1200, "at least 1,200 calls")])
def test_several_calls_are_counted(calls_seen, text):
    assert at_least(calls_seen) == text
