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
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.urls import Resolver404, base, resolve
from django.utils import translation

from loopwatch.asgi_layers import consumer_for
from loopwatch.detection.calls import Request
from loopwatch.detection.timing.own_work import own_work
from loopwatch.view_name import view_name

HOME = "/"
"""The route of the home page, whose pattern is empty and would look like no route."""

CHANNEL = "channel"
"""The type of a scope in which a Channels worker passes on the messages of one channel."""

OTHER = "OTHER"
_METHODS = frozenset(HTTPMethod)

SLOW_S = 0.02
SLOW_WAIT_S = 0.5
"""A match that waits for longer, such as for a query by a path converter, is slow too. Less may be a busy machine."""
REST_FACTOR = 20
"""After a path that took long to match, no path is matched for this many times as long."""


class _MatchingBudget:
    """Limits the time spent on matching paths: a client can make one for which a pattern backtracks for seconds.

    A regular expression keeps the GIL, so the loop would stand still once more for every such path. A path converter
    may wait, and the watchdog sees nothing meanwhile.
    """

    def __init__(self) -> None:
        self._rests_until = 0.0

    @property
    def is_spent(self) -> bool:
        return time.monotonic() < self._rests_until

    @contextmanager
    def spending(self) -> Iterator[None]:
        opened = _open_connections()
        began, used_s = time.monotonic(), time.thread_time()
        try:
            yield
        finally:
            lasted_s, used_s = time.monotonic() - began, time.thread_time() - used_s
            if used_s >= SLOW_S or lasted_s >= SLOW_WAIT_S:
                self._rests_until = time.monotonic() + REST_FACTOR * (lasted_s if lasted_s >= SLOW_WAIT_S else used_s)
            for connection in _open_connections() - opened:
                with suppress(Exception):
                    connection.close()


def _open_connections() -> set[BaseDatabaseWrapper]:
    """Return this thread's connections. Those that path converters open would stay open as long as the process."""
    return {each for each in connections.all(initialized_only=True) if each.connection is not None}


_budget = _MatchingBudget()


class _Urlconfs:
    """Finds the URL configuration of a request, which middleware may choose (``request.urlconf``)."""

    def __init__(self) -> None:
        self._are_chosen = False

    def current(self) -> Any:
        """Return the URL configuration of the request in whose context this is asked; ``None`` if it is unknown.

        Outside of such a context, it is the site's only one, as long as no request has had another.
        """
        urlconf = _urlconf_in_context()
        self._are_chosen = self._are_chosen or urlconf not in (None, settings.ROOT_URLCONF)
        return urlconf or (None if self._are_chosen else settings.ROOT_URLCONF)


def _urlconf_in_context() -> Any:
    """Return what Django's ``get_urlconf()`` returns on the thread of the request.

    From asgiref 3.12 on, a ``Local`` hides from other threads what their context has of it.
    """
    local: Any = base._urlconfs  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        stored = local._storage._data.get(None)  # noqa: SLF001
        return getattr(stored, "data", stored)["value"]
    except (AttributeError, KeyError, TypeError):
        return None


_urlconfs = _Urlconfs()


def describe_request(application: object, kind: str, method: str, path: str, root_path: str | None) -> Request:
    """Describe a request without anything secret. Never raises: what cannot be found is empty.

    ``root_path`` is the part of the path that the site is mounted at, ``None`` if the path is without it, as in WSGI.
    """
    route = consumer_name = view = ""
    known = known_method(method)
    if _budget.is_spent:
        return Request(kind, known, route, consumer_name, view)
    try:
        below_root = _below(path, root_path)
        with _budget.spending(), own_work():
            route, consumer = consumer_for(application, kind, below_root)
            if consumer is not None:
                consumer_name = f"{consumer.__module__}.{consumer.__qualname__}"
            elif kind == "http" and _is_imported(urlconf := _urlconfs.current()):
                # as ``get_script_prefix`` of ``django.core.handlers.asgi`` does
                is_whole = root_path is not None and settings.FORCE_SCRIPT_NAME
                below_script = _below(path, settings.FORCE_SCRIPT_NAME) if is_whole else below_root
                django_route, view = _django_route(below_script or "/", method, urlconf)
                route = route or django_route
    except Exception:  # noqa: BLE001 - URL patterns and routers are the user's code
        route = consumer_name = view = ""
    return Request(kind, known, route, consumer_name, view)


def _below(path: str, prefix: str | None) -> str:
    return path.removeprefix(prefix.rstrip("/")) if prefix else path


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


def _is_imported(urlconf: Any) -> bool:
    """Return whether a URL configuration is known, and no thread is importing it: the resolver would wait for that.

    While it is importing, a hang in an import must be reported. ``_find_and_load`` goes by the same attribute:
    https://github.com/python/cpython/blob/v3.14.0/Lib/importlib/_bootstrap.py
    """
    module = sys.modules.get(urlconf) if isinstance(urlconf, str) else urlconf
    return module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False)


def _django_route(path: str, method: str, urlconf: Any) -> tuple[str, str]:
    # With ``i18n_patterns`` the language is part of the path, and the resolver asks for the current one.
    language_of_path = translation.get_language_from_path(path)
    for language in dict.fromkeys([translation.get_language(), language_of_path or translation.get_language()]):
        with translation.override(language), suppress(Resolver404):
            match = resolve(path, urlconf)
            return match.route or HOME, view_name(match.func, method)
    return "", ""
