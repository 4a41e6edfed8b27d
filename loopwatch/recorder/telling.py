"""Tells people about changed findings: by the signal ``finding_changed`` and by the logger ``loopwatch.findings``.

Each change is reported once. Its record has the level ``ERROR``, at which handlers send mail and trackers make an
issue. The line for each stall is a ``WARNING`` of the logger ``loopwatch``.
"""

from typing import Any

from loopwatch.conf import Configuration
from loopwatch.detection.loggers import logger_of
from loopwatch.escaping.log import log_text
from loopwatch.recorder.delivery import Delivery
from loopwatch.recorder.finding_changes import FindingChange
from loopwatch.recorder.health import Errors
from loopwatch.signals import finding_changed

logger = logger_of("findings")


def tellers(configuration: Configuration, errors: Errors) -> list[Delivery[FindingChange]]:
    """Make the deliveries that the setting ``SINKS`` asks for."""
    tell = {"signal": send_signal, "log": log_change}
    named = [name for name in configuration.sinks if name in tell and "database" in configuration.sinks]
    return [Delivery(f"findings-{name}", tell[name], errors) for name in named]


def send_signal(change: FindingChange) -> None:
    """Send to every receiver, then raise the exception of the first that failed."""
    for _, outcome in finding_changed.send_robust(sender=FindingChange, change=change):
        if isinstance(outcome, Exception):
            raise outcome


def log_change(change: FindingChange) -> None:
    """Write one record."""
    logger.error("%s", change, extra=_fields(change))


def _fields(change: FindingChange) -> dict[str, Any]:
    """Return fields for structured logs, named as those of the line for each stall."""
    fields = {
        "change": str(change.kind),
        "fingerprint": change.fingerprint,
        "function": log_text(change.function, 300),
        "file": log_text(change.filename, 500),
        "line": change.lineno,
        "source": log_text(change.source, 500),
        "cause": log_text(change.cause, 20),
        "duration_ms": change.longest_ms,
        "route": log_text(change.route, 320),
        "url": change.url,
    }
    return {f"loopwatch_{name}": value for name, value in fields.items()}
