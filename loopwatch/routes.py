"""The route of a request: the URL pattern it matched, and the Channels consumer that serves it.

Worked out from the path, off the loop's thread, and only for requests that stalled. The path itself goes no further.
Channels is recognised by the attributes of its routers, so that it need not be installed.
"""

from contextlib import suppress
from typing import Any, NamedTuple

from django.urls import Resolver404, resolve
from django.utils import translation

from loopwatch.detection.calls import Request

MAX_NESTING = 20
HOME = "/"
"""The home page's pattern is empty, which would look like no route."""


class RequestLine(NamedTuple):
    """What of an ASGI scope the route is found by."""

    kind: str
    method: str
    path: str
    root_path: str


def describe(application: Any, kind: str, method: str, path: str, root_path: str) -> Request:
    """The request without anything secret. Never raises: what cannot be found is empty."""
    line = RequestLine(kind, method, path, root_path)
    try:
        route, consumer = _channels_route(application, line)
        view = ""
        if not consumer and line.kind == "http":
            django_route, view = _django_route(line)
            route = route or django_route
    except Exception:  # noqa: BLE001 - URL patterns and routers are the user's code
        route = consumer = view = ""
    return Request(line.kind, line.method, route, consumer, view)


def _django_route(line: RequestLine) -> tuple[str, str]:
    path = line.path.removeprefix(line.root_path.rstrip("/")) or "/"
    # With ``i18n_patterns`` the language is part of the path, and the resolver asks for the current one.
    for language in (translation.get_language(), translation.get_language_from_path(path)):
        with translation.override(language), suppress(Resolver404):
            match = resolve(path)
            view = getattr(match.func, "view_class", match.func)
            return match.route or HOME, f"{view.__module__}.{view.__qualname__}"
    return "", ""


def _channels_route(application: Any, line: RequestLine) -> tuple[str, str]:
    """Walk through ``ProtocolTypeRouter``, middleware and ``URLRouter`` as the request did."""
    route = ""
    path = line.path.removeprefix(line.root_path.rstrip("/")).lstrip("/")
    for _ in range(MAX_NESTING):
        consumer = getattr(application, "consumer_class", None)
        if consumer is not None:
            return route, f"{consumer.__module__}.{consumer.__qualname__}"
        if hasattr(application, "application_mapping"):
            application = application.application_mapping.get(line.kind)
        elif getattr(application, "_path_routing", False):
            pattern, application, path = _match(application.routes, path)
            route += pattern
        else:
            application = _inner(application)
        if application is None:
            break
    return route, ""


def _match(routes: Any, path: str) -> tuple[str, Any, str]:
    for route in routes:
        match = route.pattern.match(path)
        if match:
            return str(route.pattern), route.callback, match[0]
    return "", None, path


def _inner(application: Any) -> Any:
    """The application that a middleware wraps; each framework has its own name for it."""
    for name in ("application", "inner", "app"):
        inner = getattr(application, name, None)
        if callable(inner):
            return inner
    return None
