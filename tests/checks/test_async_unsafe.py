import pytest
from django.test import override_settings

from loopwatch.checks.async_unsafe import VARIABLE

pytestmark = pytest.mark.usefixtures("served")
W005 = "loopwatch.W005"


@pytest.mark.parametrize("value", ["1", "true", "0"])
def test_any_value_switches_djangos_guard_off(monkeypatch, found, value):
    monkeypatch.setenv(VARIABLE, value)
    (message,) = found(W005)
    assert f"{VARIABLE}='{value}'" in message.msg


def test_nothing_is_said_of_an_empty_value(monkeypatch, found):
    monkeypatch.setenv(VARIABLE, "")
    assert not found(W005)


def test_nothing_is_said_without_it(found):
    assert not found(W005)


def test_nothing_is_said_where_no_asgi_server_is_known_of(monkeypatch, found):
    monkeypatch.setenv(VARIABLE, "1")
    with override_settings(ASGI_APPLICATION=None):
        assert not found(W005)
