"""Checks that loopwatch was tested with the installed Django, and that the installed asgiref cannot freeze the site."""

from typing import Any

import asgiref
import django
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name
from django.utils.version import get_version_tuple

NEWEST_TESTED_DJANGO = (6, 1)
# Earlier, ThreadSensitiveContext waited for its thread on the event loop: https://github.com/django/asgiref/issues/535
FIRST_ASGIREF_THAT_DOES_NOT_FREEZE = (3, 12)


def check_django_version(**_: Any) -> list[CheckMessage]:
    """loopwatch.W010: the installed Django is newer than any that loopwatch was tested with."""
    if django.VERSION[:2] <= NEWEST_TESTED_DJANGO:
        return []
    newest = ".".join(map(str, NEWEST_TESTED_DJANGO))
    return [
        Warning(
            f"Django {django.__version__} is newer than {newest}, the newest that this version of loopwatch was "
            "tested with.",
            hint="Upgrade loopwatch, or run your own tests with both and silence this.",
            id="loopwatch.W010",
        )
    ]


def check_asgiref_version(**_: Any) -> list[CheckMessage]:
    """loopwatch.W011: the installed asgiref can freeze the process permanently."""
    if get_version_tuple(asgiref.__version__) >= FIRST_ASGIREF_THAT_DOES_NOT_FREEZE:
        return []
    return [
        Warning(
            f"asgiref {asgiref.__version__} can freeze the whole process: if a client disconnects while the thread of "
            "its request waits for the event loop, the event loop waits for that thread, and neither continues.",
            hint="Upgrade asgiref to 3.12 or later.",
            id="loopwatch.W011",
        )
    ]
