import sys

import pytest

from loopwatch.detection.cpython import known_versions as interpreter

pytestmark = pytest.mark.usefixtures("served")
W009, W012 = "loopwatch.W009", "loopwatch.W012"


def test_a_known_python_gives_no_warning(found):
    assert not found(W009)


def test_a_python_later_than_the_known_ones_gives_a_warning(monkeypatch, found):
    monkeypatch.setattr(interpreter, "KNOWN_UNTIL", (3, 10))
    (message,) = found(W009)
    assert "3.10" in message.msg


@pytest.fixture
def gil_is_off(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)


def test_a_python_with_its_gil_on_gives_no_warning(monkeypatch, found):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)
    assert not found(W012)


@pytest.mark.usefixtures("gil_is_off")
def test_a_python_with_its_gil_off_gives_a_warning(found):
    (message,) = found(W012)
    assert "The GIL is off" in message.msg
    assert "PYTHON_GIL=1" in message.hint
