"""What a report says, whatever format it is printed in. Durations are milliseconds, moments are aware."""

from dataclasses import dataclass
from datetime import datetime

from loopwatch.reporting.health import RecordingHealth


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over every finding that matches, not only those listed."""

    findings: int
    events: int
    blocked_ms: float


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """One finding with its figures in the period; ``first_seen``, ``last_seen`` and ``status`` are of its whole life.

    ``p95_ms`` is ``None`` where no histogram is left to estimate it from. ``routes`` come most blocked first.
    """

    fingerprint: str
    blocking_call: str
    function: str
    filename: str
    lineno: int
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


@dataclass(frozen=True, slots=True)
class Report:
    """``since`` is the moment the figures begin at, ``None`` for all time; ``stored`` counts findings of any status."""

    generated_at: datetime
    since: datetime | None
    status: str
    stored: int
    totals: Totals
    findings: tuple[ReportedFinding, ...]
    health: RecordingHealth
