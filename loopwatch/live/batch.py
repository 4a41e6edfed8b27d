"""What travels from a process with stalls to the pages that show them: small, plain and bounded."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MESSAGE_TYPE = "loopwatch.batch"
LINES_LIMIT = 20
SECONDS_LIMIT = 1_000
TEXT_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Line:
    """Stalls of one finding and one request that ended within a moment: one line of the page.

    ``started_at_ms`` (since the epoch), ``duration_ms``, ``waiting`` and ``place`` are those of the longest; ``count``
    is how many there are, ``total_ms`` how long they took together. A stall that goes on, or has, is alone on its line
    and has its ``stall_id`` there, so that a later line replaces the earlier.
    """

    stall_id: str
    fingerprint: str
    blocking_call: str
    function: str
    place: str
    request: str
    cause: str
    started_at_ms: float
    duration_ms: float
    waiting: int
    ongoing: bool
    count: int
    total_ms: float


@dataclass(frozen=True, slots=True)
class LiveBatch:
    """What happened in one process since its last batch.

    ``count`` stalls, of which ``lines`` tell as many as there is room for. ``seen`` counts those of all batches until
    now, this one's included: a gap shows that batches were lost on their way. ``blocked`` says how many milliseconds
    the loop stood still in which second since the epoch. The limits above are those of ``lines``, of ``blocked`` and
    of every text; a batch that exceeds them is refused where it arrives.
    """

    process: str
    seen: int
    count: int
    lines: tuple[Line, ...]
    blocked: Mapping[int, float]

    def as_message(self) -> dict[str, Any]:
        """For channel layers, which carry nothing but lists, dictionaries with string keys, and scalars."""
        return {
            "type": MESSAGE_TYPE,
            "process": self.process,
            "seen": self.seen,
            "count": self.count,
            "lines": [asdict(line) for line in self.lines],
            "blocked": [list(second) for second in self.blocked.items()],
        }
