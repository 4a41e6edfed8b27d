"""How the recorder itself fares: what it counted, and what went wrong."""

import logging
import threading
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from loopwatch.recording.paths import shorten

logger = logging.getLogger("loopwatch.recorder")


@dataclass(frozen=True, slots=True)
class RecorderStats:
    """Counts of stalls since the process began, but for ``errors``, which counts failures by sink.

    With the database sink, ``seen == stored + dropped + pending`` whenever the writer is at rest. ``thinned`` are those
    of the stored whose details were not kept; ``undelivered`` are reports for which there was no room in the queue of
    the other sinks.
    """

    seen: int
    stored: int
    thinned: int
    dropped: int
    undelivered: int
    pending: int
    errors: Mapping[str, int]
    last_error: str


class Errors:
    """Counts failures by source, from any thread, and logs the first of each source."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.last = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """Failures by source."""
        with self._lock:
            return dict(self._counts)

    def count(self, source: str, error: BaseException, description: str = "") -> bool:
        """Count a failure; returns whether it is the first of its source."""
        with self._lock:
            self._counts[source] += 1
            self.last = f"{source}: {description or describe(error)}"
            return self._counts[source] == 1

    def log_once(self, source: str, error: BaseException, message: str) -> None:
        """Count a failure, and log the first of its source with its traceback."""
        if self.count(source, error):
            logger.error("%s Further failures are only counted.", message, exc_info=error)

    def log_foreign(self, source: str, error: BaseException) -> None:
        """Count a failure of the site's own code, and log the first of its source with the lines it passed through.

        The text of the exception is left out: it may quote a password, or the address of a web hook.
        """
        places = [f"{shorten(frame.filename)}:{frame.lineno} in {frame.name}" for frame in _frames(error)]
        name = type(error).__name__
        if self.count(source, error, f"{name} at {places[-1]}"):
            lines = "".join(f"\n  {place}" for place in places)
            logger.error(
                "The site's own code (%s) raised %s. Further failures are only counted.%s", source, name, lines
            )


def _frames(error: BaseException) -> traceback.StackSummary:
    return traceback.extract_tb(error.__traceback__)


def describe(error: BaseException) -> str:
    """The error's class and text on one line, at most 300 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
