"""Finds the calls that block the event loop of an async Django site, in production, all the time."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from loopwatch._version import __version__

if TYPE_CHECKING:
    from loopwatch.detection.calls import BlockingCall
    from loopwatch.detection.strict.watcher import strict
    from loopwatch.detection.watcher import watch
    from loopwatch.programs import recording
    from loopwatch.recorder.health import Stats
    from loopwatch.sign_of_life.liveness import Liveness
    from loopwatch.signals import blocking_call, finding_changed

__all__ = [
    "BlockingCall",
    "__version__",
    "blocking_call",
    "finding_changed",
    "liveness",
    "recording",
    "stats",
    "strict",
    "watch",
]

# Imported lazily: the signals and ``recording()`` need Django, which ``watch()`` does not, and pytest imports this
# package for its plugin in projects that never use it.
_HOMES = {
    "BlockingCall": "loopwatch.detection.calls",
    "blocking_call": "loopwatch.signals",
    "finding_changed": "loopwatch.signals",
    "recording": "loopwatch.programs",
    "strict": "loopwatch.detection.strict.watcher",
    "watch": "loopwatch.detection.watcher",
}


def stats() -> "Stats":
    """Return what loopwatch itself has done in this process since it began to watch: counts, errors, CPU time."""
    from loopwatch import site_monitor  # noqa: PLC0415 - needs Django; ``watch()`` does not

    return site_monitor.stats()


def liveness() -> "Liveness":
    """Return whether the watched loops of this process serve requests, or since when one is blocked."""
    from loopwatch import site_monitor  # noqa: PLC0415 - needs Django; ``watch()`` does not

    return site_monitor.liveness()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
