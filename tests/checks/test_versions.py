import asgiref
import django
import pytest

pytestmark = pytest.mark.usefixtures("served")
W010, W011 = "loopwatch.W010", "loopwatch.W011"


@pytest.fixture
def newer_django(monkeypatch):
    monkeypatch.setattr(django, "VERSION", (6, 2, 0, "alpha", 0))
    monkeypatch.setattr(django, "__version__", "6.2a1")


@pytest.fixture
def old_asgiref(monkeypatch):
    monkeypatch.setattr(asgiref, "__version__", "3.11.1")


def test_the_installed_django_is_tested(found):
    assert not found(W010)


@pytest.mark.usefixtures("newer_django")
def test_a_django_newer_than_the_tested_ones_is_named(found):
    (message,) = found(W010)
    assert "Django 6.2a1 is newer than 6.1" in message.msg


@pytest.mark.parametrize("version", ["3.12.0", "3.12.1", "3.13", "4.0.0"])
def test_an_asgiref_that_cannot_freeze_the_process_gives_no_warning(monkeypatch, found, version):
    monkeypatch.setattr(asgiref, "__version__", version)
    assert not found(W011)


@pytest.mark.usefixtures("old_asgiref")
def test_asgiref_that_can_freeze_the_process_is_named(found):
    (message,) = found(W011)
    assert "asgiref 3.11.1 can freeze" in message.msg
    assert "3.12" in message.hint
