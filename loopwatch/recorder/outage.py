"""Logs once that the database cannot be written to, with a remedy, and retries ever more rarely."""

import re

from loopwatch.detection.loggers import logger_of
from loopwatch.recorder.health import describe

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0

# One failure is normal: the server closed the connection, or another process was writing.
LOGGED_AFTER = 2
LOCKED_LOGGED_AFTER = 3

logger = logger_of("recorder")

_REMEDIES = (
    (
        re.compile(r"no such (table|column)|has no column|(relation|table|column) .*(does not|doesn't) exist"),
        "Run: manage.py migrate",
    ),
    (
        re.compile("locked"),
        'Another process writes for longer than SQLite waits: raise "timeout" in the OPTIONS of that database.',
    ),
    (re.compile("read-?only|permission denied"), "Let this process write to the database."),
)
_OTHER_REMEDY = "Check that it is running and that the settings DATABASES and LOOPWATCH name the right one."


class Outage:
    """Counts consecutive failures. Used only by the writer thread."""

    def __init__(self) -> None:
        self._failures = 0
        self._logged = set[str]()

    def failed(self, error: BaseException, pending_events: int) -> float:
        """Count a failure, and log it unless it may be temporary or was logged before.

        Returns after how many seconds to try again.
        """
        self._failures += 1
        remedy = _remedy(error)
        patience = LOCKED_LOGGED_AFTER if "locked" in str(error) else LOGGED_AFTER
        if remedy not in self._logged and self._failures >= patience:
            self._logged.add(remedy)
            logger.error(
                "Stalls cannot be written to the database (%s). %d are kept and will be written when it works. %s",
                describe(error),
                pending_events,
                remedy,
            )
        return min(FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10), LONGEST_RETRY_S)

    def over(self) -> None:
        """Note a success; if the outage was logged, log its end."""
        if self._logged:
            logger.warning("Stalls are written to the database again; nothing that was kept is lost.")
        self._failures = 0
        self._logged.clear()


def _remedy(error: BaseException) -> str:
    text = str(error).lower()
    return next((remedy for sign, remedy in _REMEDIES if sign.search(text)), _OTHER_REMEDY)
