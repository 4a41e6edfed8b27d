"""Finds the calls that block the event loop of an async Django site: in production, all the time."""

from typing import TYPE_CHECKING, Any

from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.watcher import watch

if TYPE_CHECKING:
    from loopwatch.recording.health import Stats
    from loopwatch.signals import blocking_call

__version__ = "0.1.0"

__all__ = ["BlockingCall", "blocking_call", "stats", "watch"]


def stats() -> "Stats":
    """What loopwatch itself has done in this process since it began to watch: counts, errors, CPU time."""
    from loopwatch.monitoring import monitoring  # noqa: PLC0415 - needs Django; ``watch()`` does not

    return monitoring.stats()


def __getattr__(name: str) -> Any:
    # The signal needs Django; ``watch()`` does not.
    if name == "blocking_call":
        from loopwatch.signals import blocking_call  # noqa: PLC0415

        return blocking_call
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
