"""Finds the route of a request: the URL pattern that matched, and the Channels consumer that serves the request.

The route is worked out from the path, off the loop's thread, and only for requests that stalled. The path itself is
neither stored nor sent.
"""

from contextlib import suppress

from django.urls import Resolver404, resolve
from django.utils import translation

from loopwatch.asgi_layers import consumer_for
from loopwatch.detection.calls import Request

HOME = "/"
"""The route of the home page, whose pattern is empty and would look like no route."""


def describe_request(application: object, kind: str, method: str, path: str, root_path: str) -> Request:
    """Describe a request without anything secret. Never raises: what cannot be found is empty."""
    path = path.removeprefix(root_path.rstrip("/"))
    view = consumer_name = ""
    try:
        route, consumer = consumer_for(application, kind, path)
        if consumer is not None:
            consumer_name = f"{consumer.__module__}.{consumer.__qualname__}"
        elif kind == "http":
            django_route, view = _django_route(path or "/")
            route = route or django_route
    except Exception:  # noqa: BLE001 - URL patterns and routers are the user's code
        route = consumer_name = view = ""
    return Request(kind, method, route, consumer_name, view)


def _django_route(path: str) -> tuple[str, str]:
    # With ``i18n_patterns`` the language is part of the path, and the resolver asks for the current one.
    for language in (translation.get_language(), translation.get_language_from_path(path)):
        with translation.override(language), suppress(Resolver404):
            match = resolve(path)
            view = getattr(match.func, "view_class", match.func)
            return match.route or HOME, f"{view.__module__}.{view.__qualname__}"
    return "", ""
