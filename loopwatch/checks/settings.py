"""Whether the setting ``LOOPWATCH`` is right."""

from typing import Any

from django.core.checks import CheckMessage, Error

from loopwatch.conf import problems


def check_settings(**_: Any) -> list[CheckMessage]:
    """loopwatch.E001 to E008: every problem of the ``LOOPWATCH`` setting."""
    return [Error(problem.message, hint=problem.hint, id=problem.id) for problem in problems()]
