"""Hands the waits of single requests to a listener, besides what is recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loopwatch.detection.timing.in_flight import RequestInFlight
from loopwatch.thread_waits.thread_wait import ThreadWait

_listeners: dict[RequestInFlight, Callable[[ThreadWait], object]] = {}


@contextmanager
def listening(request: RequestInFlight | None, listener: Callable[[ThreadWait], object]) -> Iterator[None]:
    """Call ``listener`` with each reported wait of the request, on the thread that measured the wait."""
    if request is None:
        yield
        return
    _listeners[request] = listener
    try:
        yield
    finally:
        _listeners.pop(request, None)


def hand_over(request: RequestInFlight | None, wait: ThreadWait) -> None:
    """Call the listener of the request that waited, if it has one."""
    listener = None if request is None else _listeners.get(request)
    if listener is not None:
        listener(wait)
