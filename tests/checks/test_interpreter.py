import pytest
from django.test import override_settings

from loopwatch.detection import interpreter

pytestmark = pytest.mark.usefixtures("served")
W009 = "loopwatch.W009"


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
