"""The ASGI application of the site, and everything in it, as far as the customary attributes tell."""

from collections.abc import Iterable, Iterator, Mapping

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from loopwatch.conf import configuration

MOST_LAYERS = 1_000


def asgi_application_path() -> str | None:
    """The dotted path, where loopwatch is switched on; ``None`` where nothing is known of a server for ASGI."""
    dotted_path = getattr(settings, "ASGI_APPLICATION", None)
    try:
        return dotted_path if dotted_path and configuration().enabled else None
    except ImproperlyConfigured:
        return None  # check_settings tells


def layers_of_the_site() -> list[object]:
    """What the site serves; nothing where it does not import, of which check_asgi_application tells."""
    dotted_path = asgi_application_path()
    try:
        return list(layers(import_string(dotted_path))) if dotted_path else []
    except Exception:  # noqa: BLE001 - importing runs the site's code, which may raise anything
        return []


def layers(application: object) -> Iterator[object]:
    """The application and what it wraps and routes to, outermost first."""
    waiting, seen = [application], set[int]()
    while waiting and len(seen) < MOST_LAYERS:
        layer = waiting.pop(0)
        if id(layer) in seen or layer is None:
            continue
        seen.add(id(layer))
        yield layer
        waiting += _inside(layer)


def _inside(layer: object) -> list[object]:
    attributes = getattr(layer, "__dict__", {})
    inside = [attributes.get(name) for name in ("app", "application", "inner", "callback")]
    mapping, routes = attributes.get("application_mapping"), attributes.get("routes")
    inside += mapping.values() if isinstance(mapping, Mapping) else ()
    inside += routes if isinstance(routes, Iterable) and not isinstance(routes, str | bytes) else ()
    return inside
