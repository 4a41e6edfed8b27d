"""The ASGI application that the site names in ``ASGI_APPLICATION``."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from loopwatch.asgi_layers import Layer, layers
from loopwatch.conf import configuration


def asgi_application_path() -> str | None:
    """Return the dotted path; ``None`` if the site names no application, or loopwatch is switched off."""
    dotted_path = getattr(settings, "ASGI_APPLICATION", None)
    try:
        return dotted_path if dotted_path and configuration().enabled else None
    except ImproperlyConfigured:
        return None  # reported by check_settings


def layers_of_the_site() -> list[Layer]:
    """Return the layers of the site's application; none if it does not import, which check_asgi_application reports."""
    dotted_path = asgi_application_path()
    try:
        return list(layers(import_string(dotted_path))) if dotted_path else []
    except Exception:  # noqa: BLE001 - importing runs the site's code, which may raise anything
        return []
