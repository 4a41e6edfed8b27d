"""Checks that ``LoopWatch`` wraps the ASGI application."""

from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning  # noqa: A004 - Django's own name
from django.utils.module_loading import import_string

from loopwatch.asgi_layers import is_wrapped, protocols
from loopwatch.checks.site_application import is_switched_on


def check_asgi_application(**_: Any) -> list[CheckMessage]:
    """loopwatch.W001: ``ASGI_APPLICATION`` is not wrapped; W002: it does not import; W013: only a part is wrapped."""
    dotted_path = settings.ASGI_APPLICATION
    try:
        application = import_string(dotted_path)
    except Exception as error:  # noqa: BLE001 - importing runs the site's code, which may raise anything
        return [_does_not_import(dotted_path, error)]
    try:
        wrapped = is_wrapped(application)
        if not wrapped:
            return [_not_wrapped(dotted_path)] if wrapped is False else []
        left_out = [name for name, inner in protocols(application).items() if is_wrapped(inner) is False]
    except Exception:  # noqa: BLE001 - a check must not end the command
        return []
    left_out = [name for name in left_out if name != "lifespan"]  # without it, the end of the process writes everything
    return [_wrapped_in_part(dotted_path, left_out)] if left_out else []


def check_that_application_is_named(**_: Any) -> list[CheckMessage]:
    """loopwatch.I001: the site has an ASGI module, but ``ASGI_APPLICATION`` does not name its application."""
    if getattr(settings, "ASGI_APPLICATION", None) or not is_switched_on() or (module := _asgi_module()) is None:
        return []
    return [
        Info(
            "ASGI_APPLICATION is not set, so no check can tell whether the application is wrapped in LoopWatch, or "
            "look for what Django does slowly under ASGI.",
            hint=f'Set ASGI_APPLICATION = "{module}.application".',
            id="loopwatch.I001",
        )
    ]


def _asgi_module() -> str | None:
    """Return the module beside the settings, or above them, in which ``startproject`` puts the application."""
    package = str(getattr(settings, "SETTINGS_MODULE", "") or "")
    while package := package.rpartition(".")[0]:
        with suppress(Exception):  # the package of the settings may be an odd one
            if find_spec(f"{package}.asgi"):
                return f"{package}.asgi"
    return None


def _does_not_import(dotted_path: str, error: Exception) -> CheckMessage:
    return Warning(
        f"ASGI_APPLICATION {dotted_path!r} does not import ({type(error).__name__}: {error}), "
        "so whether loopwatch wraps it is unknown.",
        hint="Correct the path or the error; the server would fail in the same way.",
        id="loopwatch.W002",
    )


def _not_wrapped(dotted_path: str) -> CheckMessage:
    module, _, name = dotted_path.rpartition(".")
    return Warning(
        f"ASGI_APPLICATION {dotted_path!r} is not wrapped in LoopWatch, so nothing is watched.",
        hint=f"In {module}, import LoopWatch from loopwatch.asgi and end with: {name} = LoopWatch({name})",
        id="loopwatch.W001",
    )


def _wrapped_in_part(dotted_path: str, left_out: list[str]) -> CheckMessage:
    module, _, name = dotted_path.rpartition(".")
    without = " and ".join(f'"{protocol}"' for protocol in left_out)
    return Warning(
        f"Only a part of ASGI_APPLICATION {dotted_path!r} is wrapped in LoopWatch: {without} reaches the application "
        "without it. Stalls there have no route, and a process that is asked for nothing else is not watched.",
        hint=f"In {module}, wrap the router itself: {name} = LoopWatch(ProtocolTypeRouter({{…}})).",
        id="loopwatch.W013",
    )
