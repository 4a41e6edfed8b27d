"""Finds out whether OpenTelemetry's API is installed. Imported early, so that no request waits for it."""

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

SINK = "metrics"
REMEDY = "Install opentelemetry-api 1.30 or newer: pip install loopwatch[opentelemetry]"


def is_available() -> bool:
    """Return whether OpenTelemetry's API is installed, without importing any of it."""
    try:
        return find_spec("opentelemetry.metrics") is not None
    except (ImportError, ValueError):  # another package of that name, or an incomplete one
        return False


def prepare() -> None:
    """Import the API before the first request, which would import it on the loop's thread."""
    if is_available():
        with suppress(Exception):  # reported when the sink is made
            import_module("loopwatch.metrics.metrics_sink")
