"""The loggers of loopwatch: writing to one never raises, although filters and handlers of the site may.

``logging`` catches what the ``emit`` of its own handlers raises. It does not catch exceptions of filters, nor those of
a handler whose ``emit`` does not catch its own.

``asgi.py`` imports loopwatch before ``get_asgi_application()`` configures logging, which by default disables every
logger that exists by then. So those of loopwatch are made when they are first used.
"""

import logging
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from functools import cached_property
from typing import Any

NAME = "loopwatch"


class SafeLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger that prints the first exception of a filter or handler to stderr, and ignores any further one."""

    has_failed = False

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def logger(self) -> logging.Logger:  # type: ignore[override]
        return logging.getLogger(self._name)

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[object, MutableMapping[str, Any]]:
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        try:
            # This method is no part of ``logging``, so a record would name it as the place it was written at.
            super().log(level, msg, *args, **{"stacklevel": 2} | kwargs)
        except (Exception, SystemExit):  # noqa: BLE001 - code of the site raised it
            if not SafeLogger.has_failed:
                SafeLogger.has_failed = True
                with suppress(Exception):  # stderr may be closed
                    traceback.print_exc()


def logger_of(part: str = "") -> SafeLogger:
    """Return the logger ``loopwatch``, or the one of a part of it."""
    return SafeLogger(f"{NAME}.{part}" if part else NAME)
