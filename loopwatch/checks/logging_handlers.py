"""Checks for handlers of the log that wait for the network on the thread that logs."""

import logging
from collections.abc import Iterator
from logging.handlers import DatagramHandler, HTTPHandler, MemoryHandler, SMTPHandler, SocketHandler, SysLogHandler
from socket import SOCK_STREAM
from typing import Any
from warnings import catch_warnings

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name
from django.utils.log import AdminEmailHandler, RequireDebugFalse

from loopwatch.detection.loggers import NAME

_LOCAL_MAIL = tuple(f"django.core.mail.backends.{name}." for name in ("console", "dummy", "filebased", "locmem"))


def check_logging_handlers(**_: Any) -> list[CheckMessage]:
    """loopwatch.W014: handlers of the log wait for the network, with no queue before them."""
    named = sorted(set(_waiting()))
    if not named:
        return []
    return [
        Warning(
            f"These handlers of the log wait for the network on the thread that logs: {', '.join(named)}. "
            "A record that async code logs stops the event loop until it is sent.",
            hint="Log to a logging.handlers.QueueHandler, and let a QueueListener have these handlers.",
            id="loopwatch.W014",
        )
    ]


def _waiting() -> Iterator[str]:
    for name, logger in [("root", logging.root), *logging.root.manager.loggerDict.items()]:
        # Only threads of loopwatch log to its own loggers.
        if isinstance(logger, logging.Logger) and name.partition(".")[0] != NAME:
            yield from (f"{type(each).__name__} ({name})" for each in logger.handlers if _waits(each))


def _waits(handler: logging.Handler | None) -> bool:
    if isinstance(handler, AdminEmailHandler):
        return _sends_mail(handler)
    if isinstance(handler, MemoryHandler):
        return _waits(handler.target)
    if isinstance(handler, SysLogHandler):
        return handler.socktype == SOCK_STREAM and not getattr(handler, "unixsocket", False)
    return isinstance(handler, (HTTPHandler, SMTPHandler, SocketHandler)) and not isinstance(handler, DatagramHandler)


def _sends_mail(handler: AdminEmailHandler) -> bool:
    is_off = settings.DEBUG and any(isinstance(each, RequireDebugFalse) for each in handler.filters)
    return bool(settings.ADMINS) and not is_off and not _mail_backend(handler).startswith(_LOCAL_MAIL)


def _mail_backend(handler: AdminEmailHandler) -> str:
    mailers = getattr(settings, "MAILERS", None)  # from Django 6.1 on
    if mailers:
        return str(mailers.get(getattr(handler, "using", None) or "default", {}).get("BACKEND", ""))
    with catch_warnings(action="ignore"):  # Django 6.1 deprecates the setting
        return handler.email_backend or settings.EMAIL_BACKEND
