"""Defines the messages from a process with stalls to the pages that show them: small, plain and bounded."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MESSAGE_TYPE = "loopwatch.batch"
LINES_LIMIT = 20
SECONDS_LIMIT = 1_000
TEXT_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Line:
    """Holds one line of the page: stalls of one finding and one request that ended within one batch.

    ``started_at_ms`` (since the epoch), ``duration_ms``, ``waiting``, ``kept_out`` and ``place`` are those of the
    longest. ``doubt`` is empty for an exact call, else ``likely`` or ``function only``. ``count`` is the number of
    stalls and ``total_ms`` their sum. A stall that is or was ongoing has its own line with its ``stall_id``, so that
    later lines replace earlier ones.
    """

    stall_id: str
    fingerprint: str
    headline: str
    function: str
    place: str
    doubt: str
    request: str
    cause: str
    started_at_ms: float
    duration_ms: float
    waiting: int
    kept_out: int
    ongoing: bool
    count: int
    total_ms: float


@dataclass(frozen=True, slots=True)
class LiveBatch:
    """Holds what happened in one process since its last batch.

    ``count`` is the number of stalls, of which ``lines`` show as many as fit. ``seen`` counts the stalls of all batches
    so far, including this one, so that a gap reveals lost batches. ``blocked`` maps each second since the epoch to the
    milliseconds for which the loop was blocked. The receiver refuses a batch that exceeds the limits above.
    """

    process: str
    seen: int
    count: int
    lines: tuple[Line, ...]
    blocked: Mapping[int, float]

    def as_message(self) -> dict[str, Any]:
        """Return only lists, dictionaries with string keys and scalars, as channel layers require."""
        return {
            "type": MESSAGE_TYPE,
            "process": self.process,
            "seen": self.seen,
            "count": self.count,
            "lines": [asdict(line) for line in self.lines],
            "blocked": [list(second) for second in self.blocked.items()],
        }
