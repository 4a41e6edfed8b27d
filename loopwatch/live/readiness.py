"""Whether the live page can work on this site, where its WebSocket is, and if not, what is missing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.urls import get_script_prefix
from django.utils.module_loading import import_string

from loopwatch.conf import configuration
from loopwatch.live.feed import has_shared_layer

MAX_NESTING = 20
_PARAMETERS = re.compile(r"[<>()\[\]\\*+?|]")


class Obstacle(StrEnum):
    """What is in the way; the page says for each what to do."""

    SWITCHED_OFF = "switched off"
    NO_SINK = "no sink"
    NO_CHANNELS = "no channels"
    NO_APPLICATION = "no application"
    NO_ROUTE = "no route"


@dataclass(frozen=True, slots=True)
class Readiness:
    """``path`` begins with a slash, and is empty if there is an obstacle.

    ``is_shared`` tells whether stalls of other processes are shown too.
    """

    path: str = ""
    obstacle: Obstacle | None = None
    is_shared: bool = False


def readiness() -> Readiness:
    """Look at the settings, and at the ASGI application that they name."""
    current = configuration()
    if not current.enabled:
        return Readiness(obstacle=Obstacle.SWITCHED_OFF)
    if "live" not in current.sinks:
        return Readiness(obstacle=Obstacle.NO_SINK)
    try:
        from loopwatch.live.consumers import LiveConsumer  # noqa: PLC0415
    except ImportError:
        return Readiness(obstacle=Obstacle.NO_CHANNELS)
    try:
        application = import_string(settings.ASGI_APPLICATION)
    except Exception:  # noqa: BLE001 - the setting is missing, or importing runs the site's code, which may raise anything
        return Readiness(obstacle=Obstacle.NO_APPLICATION)
    route = next(_routes_to(LiveConsumer, application), None)
    if route is None:
        return Readiness(obstacle=Obstacle.NO_ROUTE)
    return Readiness(get_script_prefix() + route.lstrip("/"), is_shared=has_shared_layer())


def _routes_to(consumer: type, application: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Paths that lead to the consumer, through whatever middleware and routers; those with parameters do not count."""
    found = getattr(application, "consumer_class", None)
    if found is not None:
        if issubclass(found, consumer) and not _PARAMETERS.search(prefix):
            yield prefix
        return
    if depth < MAX_NESTING:
        for pattern, inner in _inner(application):
            yield from _routes_to(consumer, inner, prefix + pattern, depth + 1)


def _inner(application: Any) -> Iterator[tuple[str, Any]]:
    mapping = getattr(application, "application_mapping", None)
    if isinstance(mapping, Mapping):
        yield "", mapping.get("websocket")
    elif getattr(application, "_path_routing", False):
        for route in application.routes:
            yield str(route.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z"), route.callback
    else:
        attributes = getattr(application, "__dict__", {})
        yield from (("", attributes[name]) for name in ("application", "inner", "app") if name in attributes)
