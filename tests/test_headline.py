"""A finding is named by the call that in-app code made, and by what took the time inside it."""

import pytest

from loopwatch.headline import headline


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
