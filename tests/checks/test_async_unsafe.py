import pytest

from loopwatch.checks.async_unsafe import VARIABLE

pytestmark = pytest.mark.usefixtures("served")
W005 = "loopwatch.W005"


@pytest.mark.parametrize("value", ["1", "true", "0"])
def test_any_value_switches_djangos_guard_off(monkeypatch, found, value):
    monkeypatch.setenv(VARIABLE, value)
    (message,) = found(W005)
    assert f"{VARIABLE}='{value}'" in message.msg


def test_an_empty_variable_gives_no_warning(monkeypatch, found):
    monkeypatch.setenv(VARIABLE, "")
    assert not found(W005)


def test_an_unset_variable_gives_no_warning(found):
    assert not found(W005)
