"""Checks that Django's own guard against synchronous queries on the event loop is on."""

import os
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

VARIABLE = "DJANGO_ALLOW_ASYNC_UNSAFE"


def check_async_unsafe(**_: Any) -> list[CheckMessage]:
    """loopwatch.W005: ``DJANGO_ALLOW_ASYNC_UNSAFE`` is set."""
    value = os.environ.get(VARIABLE)
    if not value:
        return []
    return [
        Warning(
            f"The environment has {VARIABLE}={value!r:.40}, so Django allows synchronous queries on the event loop, "
            "where each of them delays every other request.",
            hint=f"Unset {VARIABLE} (any value, even 0, switches the guard off), and use the async interface of the "
            "ORM or sync_to_async.",
            id="loopwatch.W005",
        )
    ]
