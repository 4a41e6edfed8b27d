"""Knows the functions by which frameworks call views and consumers, and the modules that query or render.

In-app code outward of a view, such as middleware, awaits the view. It is not to blame for what the view does.
"""

from types import CodeType

from loopwatch.detection.cpython.awaits import awaited_at
from loopwatch.detection.cpython.expressions import Attribute, Name, Scope
from loopwatch.detection.cpython.instructions import instructions_of
from loopwatch.detection.cpython.sites import Site

_CALLS_VIEW = {
    # https://github.com/django/django/blob/6.0/django/core/handlers/base.py
    "django.core.handlers.base": ("_get_response", "_get_response_async"),
    # https://github.com/django/django/blob/6.0/django/core/handlers/asgi.py
    "django.core.handlers.asgi": ("__call__", "handle"),
    # https://github.com/django/channels/blob/4.3.1/channels/routing.py
    "channels.routing": ("__call__",),
    # https://github.com/django/channels/blob/4.3.1/channels/consumer.py
    "channels.consumer": ("__call__", "dispatch"),
}
_SERVERS = frozenset({"uvicorn", "daphne", "hypercorn", "granian", "gunicorn", "twisted", "uvicorn_worker"})
_QUERIES = ("django.db", "sqlalchemy", "peewee", "mongoengine")
_TEMPLATES = ("django.template", "jinja2")
_GET_RESPONSE = "get_response"
"""The name that Django's documentation gives to what a middleware calls, as a parameter or an attribute:
https://docs.djangoproject.com/en/6.0/topics/http/middleware/"""


def calls_view(site: Site) -> bool:
    """Return whether the site is in a framework's call of a view, or in middleware that awaits ``get_response()``."""
    return site.code.co_name in _CALLS_VIEW.get(site.module, ()) or _awaits_response(site.code, site.offset)


def is_middleware(code: CodeType) -> bool:
    """Return whether a function awaits ``get_response()`` anywhere."""
    return any(_awaits_response(code, each.offset) for each in instructions_of(code))


def is_server(module: str) -> bool:
    """Return whether a module belongs to an ASGI server, which serves every request and so says nothing of any."""
    return module.partition(".")[0] in _SERVERS


def queries(module: str) -> bool:
    """Return whether a module belongs to an object-relational mapper, which queries where an attribute is read."""
    return f"{module}.".startswith(tuple(f"{package}." for package in _QUERIES))


def is_of_templates(module: str) -> bool:
    """Return whether a module belongs to a template engine, which runs the loops of the site's templates."""
    return f"{module}.".startswith(tuple(f"{package}." for package in _TEMPLATES))


def _awaits_response(code: CodeType, offset: int) -> bool:
    match awaited_at(code, offset):
        case Name(name=name, scope=scope):
            return name == _GET_RESPONSE and scope is Scope.LOCAL
        case Attribute(of=Name(name="self", scope=Scope.LOCAL), name=name):
            return name == _GET_RESPONSE
        case _:
            return False
