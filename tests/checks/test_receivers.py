import functools

import pytest
from django.core.signals import got_request_exception, request_finished, request_started

pytestmark = pytest.mark.usefixtures("served")
W004 = "loopwatch.W004"


def note(**_):
    """A synchronous receiver."""


async def note_later(**_):
    """An asynchronous receiver."""


class Note:
    def __call__(self, **_):
        """A receiver that is no function."""


class Asked:
    """A receiver that fails if it is asked for its name."""

    def __call__(self, **_):
        pass

    def __getattr__(self, name):
        raise (RuntimeError if name == "__qualname__" else AttributeError)(name)


@pytest.fixture
def connected():
    """Return a function that connects receivers for the duration of the test."""
    made = []

    def connect(signal, receiver):
        signal.connect(receiver, weak=False)
        made.append((signal, receiver))

    yield connect
    for signal, receiver in made:
        signal.disconnect(receiver)


@pytest.mark.parametrize(
    ("signal", "name"), [(request_started, "request_started"), (request_finished, "request_finished")]
)
def test_a_synchronous_receiver_is_named_with_its_signal(connected, found, signal, name):
    connected(signal, note)
    (message,) = found(W004)
    assert f"'{__name__}.note' ({name})" in message.msg


@pytest.mark.parametrize(
    ("receiver", "name"),
    [
        (Note(), "Note"),
        (Asked(), "Asked"),
        (functools.partial(note), "partial"),
        (functools.cache(note), "note"),
        (Note().__call__, "Note.__call__"),
    ],
)
def test_a_receiver_that_is_no_function_is_named_by_its_class(connected, found, receiver, name):
    connected(request_started, receiver)
    (message,) = found(W004)
    assert f"{name}' (request_started)" in message.msg


def test_asynchronous_receivers_and_other_signals_give_no_warning(connected, found):
    connected(request_started, note_later)
    connected(got_request_exception, note)
    assert not found(W004)


def test_receivers_of_django_itself_give_no_warning(found):
    assert not found(W004)


def test_a_django_without_the_private_method_gives_no_warning_of_receivers(connected, found, monkeypatch):
    connected(request_started, note)
    monkeypatch.setattr(request_started, "_live_receivers", lambda sender: None)
    assert not found(W004)
