"""System checks: the settings, and whether the ASGI application is wrapped."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from loopwatch.conf import configuration, problems


def check_settings(**_: Any) -> list[CheckMessage]:
    """loopwatch.E001 to E008: every problem of the ``LOOPWATCH`` setting."""
    return [Error(problem.message, hint=problem.hint, id=problem.id) for problem in problems()]


def check_asgi_application(**_: Any) -> list[CheckMessage]:
    """loopwatch.W001: ``ASGI_APPLICATION`` is not wrapped; loopwatch.W002: it does not import."""
    dotted_path = getattr(settings, "ASGI_APPLICATION", None)
    try:
        if not dotted_path or not configuration().enabled:
            return []
    except ImproperlyConfigured:
        return []  # check_settings tells
    try:
        application = import_string(dotted_path)
    except Exception as error:  # noqa: BLE001 - importing runs the site's code, which may raise anything
        return [_does_not_import(dotted_path, error)]
    if any(getattr(layer, "is_loopwatch", False) for layer in _layers(application)):
        return []
    return [_not_wrapped(dotted_path)]


def _layers(application: object) -> Iterator[object]:
    """The application and what it wraps, as far as the customary attributes of ASGI middleware tell."""
    waiting, seen = [application], set[int]()
    while waiting and len(seen) < 50:
        layer = waiting.pop()
        if id(layer) in seen or layer is None:
            continue
        seen.add(id(layer))
        yield layer
        attributes = getattr(layer, "__dict__", {})
        waiting += [attributes.get(name) for name in ("app", "application", "inner")]
        mapping = attributes.get("application_mapping")
        waiting += mapping.values() if isinstance(mapping, Mapping) else ()


def _does_not_import(dotted_path: str, error: Exception) -> CheckMessage:
    return Warning(
        f"ASGI_APPLICATION {dotted_path!r} does not import ({type(error).__name__}: {error}), "
        "so whether loopwatch wraps it is unknown.",
        hint="Correct the path or the error; the server will stumble over it too.",
        id="loopwatch.W002",
    )


def _not_wrapped(dotted_path: str) -> CheckMessage:
    module, _, name = dotted_path.rpartition(".")
    return Warning(
        f"ASGI_APPLICATION {dotted_path!r} is not wrapped in LoopWatch, so nothing is watched.",
        hint=f"In {module}, import LoopWatch from loopwatch.asgi and end with: {name} = LoopWatch({name})",
        id="loopwatch.W001",
    )
