"""Loopwatch's own figures in one process: what it counted, what it cost, and what failed."""

import threading
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from loopwatch.detection.loggers import logger_of
from loopwatch.escaping.log import log_text
from loopwatch.recorder.paths import shorten

logger = logger_of("recorder")


@dataclass(frozen=True, slots=True)
class Stats:
    """loopwatch's own figures in one process, since it began to watch there.

    - ``since`` is aware, and ``None`` while nothing is watched; ``loops`` is the number of loops watched now.
    - ``seen`` counts stalls. With the database sink, ``seen == stored + withheld + dropped + pending`` whenever the
      writer rests: ``withheld`` by ``REDACT``, and ``dropped`` if they are lost.
    - ``thinned`` counts stored stalls without details, ``unexamined`` those seen that were only counted and timed,
      because the watchdog had used up its share of a core.
    - ``lookout`` says whether the lookout is in use, or why not, and ``torn`` counts its looks that were not used,
      because the stack had changed meanwhile.
    - ``compiled`` says whether the callbacks of loops like uvloop's are timed by C, which costs less, or by Python.
    - ``undelivered`` counts reports that found the queue of a sink full, ``errors`` failures by source.
    """

    since: datetime | None = None
    loops: int = 0
    seen: int = 0
    stored: int = 0
    thinned: int = 0
    unexamined: int = 0
    withheld: int = 0
    dropped: int = 0
    undelivered: int = 0
    pending: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    last_error: str = ""
    watchdog_cpu_s: float = 0.0
    writer_cpu_s: float = 0.0
    lookout: str = ""
    torn: int = 0
    compiled: bool = False


class Errors:
    """Counts failures by source, from any thread, and logs the first of each source."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.last = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """Return the failures by source."""
        with self._lock:
            return dict(self._counts)

    def count(self, source: str, error: BaseException, description: str = "") -> bool:
        """Count a failure. Returns whether it is the first of its source."""
        with self._lock:
            self._counts[source] += 1
            self.last = f"{source}: {description or describe(error)}"
            return self._counts[source] == 1

    def log_once(self, source: str, error: BaseException, message: str) -> None:
        """Count a failure, and log the first of its source with its traceback."""
        if self.count(source, error):
            logger.error("%s Further failures are only counted.", message, exc_info=error)

    def log_foreign(self, source: str, error: BaseException) -> None:
        """Count a failure of the site's own code, and log the first of its source with its stack.

        The text of the exception is left out, because it may quote a password or the address of a web hook.
        """
        places = [
            log_text(f"{shorten(frame.filename)}:{frame.lineno} in {frame.name}", 500) for frame in _frames(error)
        ]
        name = log_text(type(error).__name__, 100)
        if self.count(source, error, f"{name} at {places[-1]}"):
            lines = "".join(f"\n  {place}" for place in places)
            logger.error(
                "The site's own code (%s) raised %s. Further failures are only counted.%s", source, name, lines
            )


def _frames(error: BaseException) -> traceback.StackSummary:
    return traceback.extract_tb(error.__traceback__)


def describe(error: BaseException) -> str:
    """Return the error's class and text on one line, at most 300 characters."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an error of the site may have a ``__str__`` that fails
        text = "no text"
    return log_text(f"{type(error).__name__}: {text}", 300)
