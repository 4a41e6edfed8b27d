"""Checks for middleware that cannot run on the event loop."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name
from django.utils.module_loading import import_string

from loopwatch.detection.cpython.namespaces import computes_attributes, static_attribute


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities that a middleware factory declares to Django, with Django's defaults."""

    path: str
    sync: bool
    can_be_async: bool

    @property
    def is_sync_only(self) -> bool:
        return self.sync and not self.can_be_async


def check_middleware(**_: Any) -> list[CheckMessage]:
    """loopwatch.W003: some middleware is sync-only."""
    middleware = list(_middleware())
    sync_only = [each for each in middleware if each.is_sync_only]
    if not sync_only:
        return []
    names = ", ".join(repr(each.path) for each in sync_only)
    changes = _changes_of_thread(middleware)
    return [
        Warning(
            f"{len(sync_only)} of {len(middleware)} middleware can only run in a thread: {names} (in their order). "
            f"Under ASGI every request changes threads {changes} times for them, and holds its thread until the view "
            "has answered.",
            hint="Make them support sync and async, with sync_and_async_middleware or MiddlewareMixin, or remove them.",
            id="loopwatch.W003",
        )
    ]


def _middleware() -> Iterator[Capabilities]:
    for path in settings.MIDDLEWARE:
        try:
            factory = import_string(path)
        except Exception:  # noqa: BLE001, S112 - Django raises the same when it loads the middleware
            continue
        sync = static_attribute(factory, "sync_capable", True)
        can_be_async = static_attribute(factory, "async_capable", False)
        # What code would have to compute is left to Django.
        if not computes_attributes(factory) and type(sync) is bool and type(can_be_async) is bool:
            yield Capabilities(path, sync, can_be_async)


def _changes_of_thread(middleware: list[Capabilities]) -> int:
    """Count how often a request changes threads between the server and an async view.

    Middleware that can run either way runs like the layer that it wraps (``BaseHandler.load_middleware``,
    https://github.com/django/django/blob/5.2/django/core/handlers/base.py#L26).
    """
    on_loop = [each.can_be_async for each in middleware if not (each.sync and each.can_be_async)]
    return sum(outer is not inner for outer, inner in pairwise([True, *on_loop, True]))
