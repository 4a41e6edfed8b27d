"""Decides whether this process is watched, by its settings and surroundings, and logs once why it is not."""

import time

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from loopwatch import in_tests
from loopwatch.conf import Configuration, configuration, is_process_chosen
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.machine.surroundings import why_not_watched

logger = logger_of()

SETTINGS_RETRY_S = 10.0
"""The wait before wrong settings are read again, because judging them imports the modules that they name."""


class SitePermission:
    """Whether this process may be watched. ``is_chosen`` is what was decided for the latest settings."""

    def __init__(self) -> None:
        self.is_chosen = False
        self._decided_for: Configuration | None = None
        self._logged_reason: str | None = None
        self._wrong_until = 0.0

    def settings(self) -> Configuration | None:
        """Return the settings; ``None`` if nothing is to be recorded, or if they are wrong, which is logged."""
        if time.monotonic() < self._wrong_until or not in_tests.is_recording_wanted():
            return None
        if not apps.ready:
            self.log_once("Django is not set up: call django.setup() first. Without Django, use loopwatch.watch().")
            return None
        try:
            return configuration()
        except Exception as error:  # noqa: BLE001 - a setting may be a lazy object, whose code may raise anything
            self._wrong_until = time.monotonic() + SETTINGS_RETRY_S
            problems = error if isinstance(error, ImproperlyConfigured) else repr(error)
            self.log_once(f"the settings are wrong.\n{problems}")
            return None

    def read_settings_again(self) -> None:
        """Read them the next time, even if they were wrong a moment ago."""
        self._wrong_until = 0.0

    def is_given(self, current: Configuration) -> bool:
        """Return whether loops of this process are watched. It is chosen, or not, once for the same settings."""
        if current is not self._decided_for:
            self._decided_for = current
            self.is_chosen = is_process_chosen(current.enabled)
        if not self.is_chosen:
            return False
        if not apps.is_installed("loopwatch"):
            self.log_once('loopwatch is not installed. Add "loopwatch" to INSTALLED_APPS and run manage.py migrate.')
            return False
        if reason := why_not_watched():
            self.log_once(f"{reason}.")
        return not reason

    def log_once(self, reason: str) -> None:
        """Log why this process is not watched, unless that was the reason the last time."""
        if reason != self._logged_reason:
            self._logged_reason = reason
            logger.error("This process runs without loopwatch, because %s", reason)
