"""What a report says, whatever format it is printed in. Durations are milliseconds, moments are aware."""

from dataclasses import dataclass
from datetime import datetime

from loopwatch.reporting.recording_health import RecordingHealth
from loopwatch.reporting.release_change import Change, Comparison
from loopwatch.reporting.thread_waits import ReportedThreadWait

FINDING = "finding"
HOST = "host"


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over every finding that matches, not only those listed."""

    findings: int
    events: int
    blocked_ms: float


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """One finding with its figures in the period; ``first_seen``, ``last_seen`` and ``status`` are of its whole life.

    ``p95_ms`` is ``None`` where no histogram is left to estimate it from. ``routes`` come most blocked first. Where
    releases are compared, the figures are those of the later one, and ``change`` says what they were before.
    """

    fingerprint: str
    blocking_call: str
    function: str
    filename: str
    lineno: int
    source: str
    events: int
    blocked_ms: float
    longest_ms: float
    p95_ms: float | None
    first_seen: datetime
    last_seen: datetime
    routes: tuple[str, ...]
    status: str
    reopened: bool
    cause: str
    exact: bool
    requests_delayed: int
    delay_ms: float
    change: Change | None = None

    @property
    def place(self) -> str:
        """File and line, empty where no file is known."""
        return f"{self.filename}:{self.lineno}" if self.filename else ""


@dataclass(frozen=True, slots=True)
class Group:
    """What findings have in common that are reported together; an empty ``name`` stands for none (no route, …).

    ``worst`` is the finding that blocked most of it. ``p95_ms`` is ``None`` where there is no histogram.
    """

    name: str
    findings: int
    events: int
    blocked_ms: float
    longest_ms: float
    p95_ms: float | None
    requests_delayed: int
    delay_ms: float
    worst: str


@dataclass(frozen=True, slots=True)
class Report:
    """``since`` is the moment the figures begin at, ``None`` for all time; ``stored`` counts findings of any status.

    It has ``findings`` or, where ``group_by`` is not ``FINDING``, the first of ``groups_in_all`` groups.
    ``thread_waits`` are the first of ``thread_waits_in_all``; they are no findings, and have no status.
    """

    generated_at: datetime
    since: datetime | None
    status: str
    stored: int
    totals: Totals
    health: RecordingHealth
    findings: tuple[ReportedFinding, ...] = ()
    group_by: str = FINDING
    groups: tuple[Group, ...] = ()
    groups_in_all: int = 0
    comparison: Comparison | None = None
    thread_waits: tuple[ReportedThreadWait, ...] = ()
    thread_waits_in_all: int = 0
