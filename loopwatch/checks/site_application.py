"""The ASGI application that the site names in ``ASGI_APPLICATION``, and the checks of sites that name one."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from loopwatch.asgi_layers import Layer, layers
from loopwatch.conf import configuration


def is_switched_on() -> bool:
    with suppress(ImproperlyConfigured):  # reported by check_settings
        return bool(configuration().enabled)
    return False


def under_asgi(check: Callable[..., list[CheckMessage]]) -> Callable[..., list[CheckMessage]]:
    """Return the check for sites that name an application and are watched; it finds nothing on others."""

    @wraps(check)
    def check_if_under_asgi(**options: Any) -> list[CheckMessage]:
        return check(**options) if getattr(settings, "ASGI_APPLICATION", None) and is_switched_on() else []

    return check_if_under_asgi


def layers_of_the_site() -> list[Layer]:
    """Return the layers of the site's application; none if it does not import, which check_asgi_application reports."""
    try:
        return list(layers(import_string(settings.ASGI_APPLICATION)))
    except Exception:  # noqa: BLE001 - importing runs the site's code, which may raise anything
        return []
