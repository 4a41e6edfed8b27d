"""Checks that ``runserver``, as it starts, serves the site in a way that is watched."""

import sys
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name
from django.core.management import get_commands
from django.utils.module_loading import import_string

from loopwatch.asgi_layers import layers
from loopwatch.checks.site_application import is_switched_on
from loopwatch.detection.cpython.namespaces import kept_attribute

_BY_WSGI = ("django.core", "django.contrib.staticfiles")
"""The owners of a ``runserver`` that is a WSGI server; Daphne's is an ASGI server."""


def check_runserver(**_: Any) -> list[CheckMessage]:
    """loopwatch.W018: the ``runserver`` that is starting is a WSGI server, so nothing is watched."""
    if "runserver" not in sys.argv[1:] or get_commands().get("runserver") not in _BY_WSGI or not _is_unwatched():
        return []
    return [
        Warning(
            "This runserver is a WSGI server, so loopwatch watches nothing here.",
            hint='Install daphne, put "daphne" first in INSTALLED_APPS, and set ASGI_APPLICATION.',
            id="loopwatch.W018",
        )
    ]


def _is_unwatched() -> bool:
    """Return whether loopwatch is switched on, and does not wrap the WSGI application."""
    if not is_switched_on():
        return False
    try:
        application = import_string(settings.WSGI_APPLICATION or "")
    except Exception:  # noqa: BLE001 - runserver will report it, or make an application that is not wrapped
        return True
    return not any(kept_attribute(layer.application, "is_loopwatch_wsgi") for layer in layers(application))
