"""Finds the WebSocket of the live page in this site, or what is missing for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.urls import get_script_prefix
from django.utils.module_loading import import_string

from loopwatch.asgi_layers import asked_attribute, consumer_of, layers
from loopwatch.conf import configuration
from loopwatch.live.feed import has_shared_layer

_ANCHORS = re.compile(r"\^|\$|\\Z")
_PARAMETERS = re.compile(r"[<>()\[\]\\*+?|]")


class Obstacle(StrEnum):
    """Names what is missing; the page says what to do about each."""

    SWITCHED_OFF = "switched off"
    NO_SINK = "no sink"
    NO_CHANNELS = "no channels"
    NO_APPLICATION = "no application"
    NO_ROUTE = "no route"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Holds the path of the WebSocket, or the obstacle.

    ``path`` begins with a slash, and is empty if there is an obstacle. ``is_shared`` says whether the page shows stalls
    of other processes too.
    """

    path: str = ""
    obstacle: Obstacle | None = None
    is_shared: bool = False


def readiness() -> Readiness:
    """Inspect the settings and the ASGI application that they name."""
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


def _routes_to(consumer: type, application: object) -> Iterator[str]:
    """Yield the paths of WebSockets that lead to the consumer, except paths with parameters."""
    for layer in layers(application, asked_attribute):
        found = consumer_of(layer.application, asked_attribute)
        if layer.protocol in (None, "websocket") and found is not None and issubclass(found, consumer):
            path = _ANCHORS.sub("", layer.route)
            if not _PARAMETERS.search(path):
                yield path
