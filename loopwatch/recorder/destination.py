"""Finds the database to store in, and whether loopwatch can store in it."""

from django.db import NotSupportedError, connections, router

from loopwatch.conf import Configuration
from loopwatch.detection.loggers import logger_of
from loopwatch.models import Finding
from loopwatch.recorder.health import Errors

_ORACLE = (
    "Nothing is stored, because the database %r is Oracle, which loopwatch does not support (loopwatch.E009). Stalls "
    'are still detected, and go to the other SINKS. Name another one in LOOPWATCH = {"DATABASE": …}.'
)

logger = logger_of("recorder")


def alias_of(configuration: Configuration) -> str:
    """Return the alias of the database: the one in the settings, or the router's choice. A router may raise."""
    return configuration.database or router.db_for_write(Finding)


def is_supported(configuration: Configuration, errors: Errors) -> bool:
    """Return whether loopwatch can store there; if not, that is logged.

    No connection is opened, and where the answer is not known yet, it is yes.
    """
    try:
        alias = alias_of(configuration)
        is_oracle = connections[alias].vendor == "oracle"
    except Exception:  # noqa: BLE001 - a router or backend may raise anything; the writer reports that when it writes
        return True
    if is_oracle and errors.count("database", NotSupportedError(f"{alias!r} is Oracle")):
        logger.error(_ORACLE, alias)
    return not is_oracle
