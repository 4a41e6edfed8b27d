"""Checks for synchronous receivers of the signals that Django sends for every request."""

from types import MethodType
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished, request_started
from django.dispatch import Signal

from loopwatch.detection.cpython.namespaces import module_and_qualname

_SIGNALS = {"request_started": request_started, "request_finished": request_finished}
_OTHER_PACKAGES = ("django", "loopwatch")


def check_signal_receivers(**_: Any) -> list[CheckMessage]:
    """loopwatch.W004: the site has synchronous receivers of signals that are sent for every request."""
    named = [
        f"{receiver!r} ({name})" for name, signal in _SIGNALS.items() for receiver in _synchronous_of_the_site(signal)
    ]
    if not named:
        return []
    return [
        Warning(
            f"These receivers are synchronous, and their signal is sent for every request: {', '.join(named)}. "
            "Under ASGI they run in a thread, one after the other: the view waits for those of request_started, and "
            "the request ends after those of request_finished.",
            hint="Make a receiver of request_started async, or do its work in middleware; keep the others short.",
            id="loopwatch.W004",
        )
    ]


def _synchronous_of_the_site(signal: Signal) -> list[str]:
    try:
        synchronous, _asynchronous = signal._live_receivers(ASGIHandler)  # noqa: SLF001
    except (AttributeError, TypeError, ValueError):
        return []  # this method is private, and a later Django may change it
    functions = (receiver.__func__ if type(receiver) is MethodType else receiver for receiver in synchronous)
    modules_and_names = map(module_and_qualname, functions)
    return [f"{module}.{name}" for module, name in modules_and_names if module.partition(".")[0] not in _OTHER_PACKAGES]
