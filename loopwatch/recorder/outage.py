"""Logs once that the database cannot be written to, with a remedy, and retries ever more rarely."""

from loopwatch.detection.loggers import logger_of
from loopwatch.recorder.failures import Blame, blame_for, remedy_for
from loopwatch.recorder.health import describe

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0

# One failure is normal: the server closed the connection, or another process was writing.
LOGGED_AFTER = 2
CONTENTION_LOGGED_AFTER = 3

logger = logger_of("recorder")


class Outage:
    """Counts consecutive failures. Used only by the writer thread."""

    def __init__(self) -> None:
        self._failures = 0
        self._logged = set[str]()
        self._is_any_lost = False

    def failed(self, error: BaseException, pending_events: int, alias: str) -> float:
        """Count a failure, and log it unless it may be temporary or was logged before.

        Returns after how many seconds to try again.
        """
        self._failures += 1
        remedy = remedy_for(error, alias)
        patience = CONTENTION_LOGGED_AFTER if blame_for(error) is Blame.CONTENTION else LOGGED_AFTER
        if remedy not in self._logged and self._failures >= patience:
            self._logged.add(remedy)
            logger.error(
                "Stalls cannot be written to the database (%s). %d are kept and will be written when it works. %s",
                describe(error),
                pending_events,
                remedy,
            )
        return min(FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10), LONGEST_RETRY_S)

    def refused(self) -> None:
        """Note that the database refused something, which is lost."""
        self._is_any_lost = True

    def over(self) -> None:
        """Note a success; if the outage was logged, log its end."""
        if self._logged:
            lost = "only what the database refused" if self._is_any_lost else "nothing that was kept"
            logger.warning("Stalls are written to the database again; %s is lost.", lost)
        self._failures = 0
        self._logged.clear()
        self._is_any_lost = False
