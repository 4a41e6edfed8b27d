import sys

import pytest
from django.test import override_settings

from loopwatch.detection.cpython import known_versions as interpreter

pytestmark = pytest.mark.usefixtures("served")
W009, W012 = "loopwatch.W009", "loopwatch.W012"


def test_a_python_that_is_known_is_not_warned_of(found):
    assert not found(W009)


def test_a_later_python_is_warned_of(monkeypatch, found):
    monkeypatch.setattr(interpreter, "KNOWN_UNTIL", (3, 10))
    (message,) = found(W009)
    assert "3.10" in message.msg


def test_nothing_is_said_where_no_asgi_server_is_known_of(monkeypatch, found):
    monkeypatch.setattr(interpreter, "KNOWN_UNTIL", (3, 10))
    with override_settings(ASGI_APPLICATION=None):
        assert not found(W009)


@pytest.fixture
def gil_is_off(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)


def test_a_python_with_a_gil_is_not_warned_of(monkeypatch, found):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)
    assert not found(W012)


@pytest.mark.usefixtures("gil_is_off")
def test_a_python_whose_gil_is_off_is_warned_of(found):
    (message,) = found(W012)
    assert "The GIL is off" in message.msg
    assert "PYTHON_GIL=1" in message.hint


@pytest.mark.usefixtures("gil_is_off")
def test_nothing_is_said_of_the_gil_where_no_asgi_server_is_known_of(found):
    with override_settings(ASGI_APPLICATION=None):
        assert not found(W012)
