"""OpenTelemetry: stalls as metrics and in traces, through its API alone, which does nothing without an SDK.

``is_available`` costs nothing and imports nothing; everything else of this room imports the API, and is imported
only where that may take its time.
"""

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

SINK = "metrics"
REMEDY = "Install opentelemetry-api 1.30 or newer: pip install loopwatch[opentelemetry]"


def is_available() -> bool:
    """Whether OpenTelemetry's API is installed."""
    try:
        return find_spec("opentelemetry.metrics") is not None
    except (ImportError, ValueError):  # another package of that name, or half of this one
        return False


def prepare() -> None:
    """Import the API while nobody waits: the first request would, on the loop's thread."""
    if is_available():
        with suppress(Exception):  # told when it is wanted
            import_module("loopwatch.metrics.sink")
