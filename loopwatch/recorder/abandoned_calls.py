"""Records what killed processes could not, because a thread had kept the GIL permanently. Once a minute."""

import time
from collections.abc import Callable

from loopwatch.conf import Configuration
from loopwatch.detection.calls import BlockingCall
from loopwatch.detection.loggers import logger_of
from loopwatch.detection.lookout.abandoned_holds import AbandonedHold, take_abandoned_holds
from loopwatch.detection.path_filter import PathFilter
from loopwatch.detection.verdict.abandoned_calls import abandoned_call
from loopwatch.recorder.health import Errors

INTERVAL_S = 60.0

logger = logger_of("recorder")


class AbandonedCalls:
    """Hands to the recorder what is found in ``LOOKOUT_FOLDER``. Used only by the writer thread."""

    def __init__(self, configuration: Configuration, errors: Errors, put: Callable[[BlockingCall], None]) -> None:
        self._folder = configuration.lookout_folder
        self._filter = PathFilter(configuration.include_paths, configuration.exclude_paths)
        self._errors = errors
        self._put = put
        self._take_at = 0.0

    def take(self) -> None:
        """Take what there is, at most once a minute. Never raises ``OSError``: the lookout says what is wrong."""
        if self._folder is None or time.monotonic() < self._take_at:
            return
        self._take_at = time.monotonic() + INTERVAL_S
        try:
            found = take_abandoned_holds(self._folder)
        except (OSError, ValueError):
            return
        for _ in range(found.unreadable):
            text = "a file in LOOKOUT_FOLDER could not be read, and was removed"
            if self._errors.count("lookout", ValueError(text), text):
                logger.warning("%s. More of this is only counted.", text.capitalize())
        for hold in found.holds:
            try:
                self._record(hold)
            except Exception as error:  # noqa: BLE001 - the other files have been removed, too
                self._errors.log_once("lookout", error, "What a killed process has left could not be recorded.")

    def _record(self, hold: AbandonedHold) -> None:
        call = abandoned_call(hold)
        if self._filter.accepts(call):
            # Without the call, which has not passed ``REDACT`` yet.
            logger.warning("Process %d was killed while a thread kept the GIL from all others.", hold.process_id)
            self._put(call)
