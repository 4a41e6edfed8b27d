"""Checks the setting ``LOOPWATCH``."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name

from loopwatch.conf import misspelt, problems
from loopwatch.metrics.availability import REMEDY, SINK, is_available


def check_settings(**_: Any) -> list[CheckMessage]:
    """loopwatch.E001 to E008: every problem of the ``LOOPWATCH`` setting."""
    return [Error(problem.message, hint=problem.hint, id=problem.id) for problem in problems()]


def check_misspelt_settings(**_: Any) -> list[CheckMessage]:
    """loopwatch.W016: a setting that means ``LOOPWATCH`` or one of its keys has another name."""
    return [Warning(problem.message, hint=problem.hint, id=problem.id) for problem in misspelt()]


def check_metrics(**_: Any) -> list[CheckMessage]:
    """loopwatch.W008: ``SINKS`` names the metrics, but OpenTelemetry is not installed."""
    setting = getattr(settings, "LOOPWATCH", {})
    named = setting.get("SINKS", ()) if isinstance(setting, dict) else ()
    if not isinstance(named, (list, tuple)) or SINK not in named or is_available():
        return []
    message = 'LOOPWATCH["SINKS"] names "metrics", but OpenTelemetry is not installed.'
    return [Warning(message, hint=f'{REMEDY}; or remove "metrics" from the list.', id="loopwatch.W008")]
