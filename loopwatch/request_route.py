"""Finds the route of a request: the URL pattern that matched, and the Channels consumer that serves the request.

The route is worked out from the path, off the loop's thread, and only for requests to be reported. The path itself is
neither stored nor sent.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPMethod
from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve
from django.utils import translation

from loopwatch.asgi_layers import consumer_for
from loopwatch.detection.calls import Request
from loopwatch.view_name import view_name

HOME = "/"
"""The route of the home page, whose pattern is empty and would look like no route."""

CHANNEL = "channel"
"""The type of a scope in which a Channels worker passes on the messages of one channel."""

OTHER = "OTHER"
_METHODS = frozenset(HTTPMethod)

SLOW_S = 0.02
REST_FACTOR = 20
"""After a path that took long to match, no path is matched for this many times as long."""


class _MatchingBudget:
    """Limits the CPU time spent on matching paths: a client can make one for which a pattern backtracks for seconds.

    A regular expression keeps the GIL, so the loop would stand still once more for every such path.
    """

    def __init__(self) -> None:
        self._rests_until = 0.0

    @property
    def is_spent(self) -> bool:
        return time.monotonic() < self._rests_until

    @contextmanager
    def spending(self) -> Iterator[None]:
        begin = time.thread_time()
        try:
            yield
        finally:
            took_s = time.thread_time() - begin
            if took_s >= SLOW_S:
                self._rests_until = time.monotonic() + REST_FACTOR * took_s


_budget = _MatchingBudget()


def describe_request(application: object, kind: str, method: str, path: str, root_path: str) -> Request:
    """Describe a request without anything secret. Never raises: what cannot be found is empty."""
    route = consumer_name = view = ""
    known = known_method(method)
    if _budget.is_spent:
        return Request(kind, known, route, consumer_name, view)
    try:
        path = path.removeprefix(root_path.rstrip("/"))
        with _budget.spending():
            route, consumer = consumer_for(application, kind, path)
            if consumer is not None:
                consumer_name = f"{consumer.__module__}.{consumer.__qualname__}"
            elif kind == "http" and _is_urlconf_imported():
                django_route, view = _django_route(path or "/", method)
                route = route or django_route
    except Exception:  # noqa: BLE001 - URL patterns and routers are the user's code
        route = consumer_name = view = ""
    return Request(kind, known, route, consumer_name, view)


def describe_message(application: object, channel: str, message_type: object) -> Request:
    """Describe a message of a Channels worker by its channel, and by its type if the consumer handles that.

    Never raises. What sends messages may invent any number of types, and each would make a row.
    """
    route, consumer_name, view = channel, "", ""
    try:
        _, consumer = consumer_for(application, CHANNEL, "", channel)
        if consumer is not None:
            consumer_name = f"{consumer.__module__}.{consumer.__qualname__}"
            handler = str(message_type).replace(".", "_")  # as ``get_handler_name`` of ``channels.consumer`` does
            if callable(getattr(consumer, handler, None)):
                route, view = f"{channel}: {message_type}", f"{consumer_name}.{handler}"
    except Exception:  # noqa: BLE001 - routers and consumers are the user's code
        return Request(CHANNEL, route=channel)
    return Request(CHANNEL, "", route, consumer_name, view)


def known_method(method: str) -> str:
    """Return a method that HTTP defines as it is, and any other as ``OTHER``.

    A client may invent any number of methods, and each would make a row, or a finding that is named by it.
    """
    if not method:
        return ""
    return method if method in _METHODS else OTHER


def _is_urlconf_imported() -> bool:
    """Return whether no thread is importing the URL configuration. The resolver would wait until that is over.

    While it is importing, a hang in an import must be reported. ``_find_and_load`` goes by the same attribute:
    https://github.com/python/cpython/blob/v3.14.0/Lib/importlib/_bootstrap.py
    """
    urlconf: Any = settings.ROOT_URLCONF
    module = sys.modules.get(urlconf) if isinstance(urlconf, str) else urlconf
    return module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False)


def _django_route(path: str, method: str) -> tuple[str, str]:
    # With ``i18n_patterns`` the language is part of the path, and the resolver asks for the current one.
    language_of_path = translation.get_language_from_path(path)
    for language in dict.fromkeys([translation.get_language(), language_of_path or translation.get_language()]):
        with translation.override(language), suppress(Resolver404):
            match = resolve(path)
            return match.route or HOME, view_name(match.func, method)
    return "", ""
