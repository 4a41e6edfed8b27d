"""The content of a report, for every format. Durations are milliseconds, and moments are aware."""

from dataclasses import dataclass
from datetime import datetime

from loopwatch.headline import headline
from loopwatch.reporting.recording_health import RecordingHealth
from loopwatch.reporting.release_change import Change, Comparison
from loopwatch.reporting.thread_waits import ReportedThreadWait

FINDING = "finding"
HOST = "host"


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all findings that match, including those not listed."""

    findings: int
    events: int
    blocked_ms: float


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A finding with its figures in the period; ``first_seen``, ``last_seen`` and ``status`` ignore the period.

    ``p95_ms`` is ``None`` without a histogram to estimate it from. ``routes`` come most blocked first;
    ``events_without_route`` is 0 where no event has one. In a comparison, the figures are those of the later release,
    and ``change`` has those of both. ``other_function`` to ``other_ms`` are the second place in the step of the newest
    event, if it had one, and ``calls_seen`` is how many calls were seen there.
    """

    fingerprint: str
    blocking_call: str
    called_name: str
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
    requests_kept_out: int
    kept_out_ms: float
    events_without_route: int
    other_function: str = ""
    other_called_name: str = ""
    other_lineno: int = 0
    other_ms: float = 0.0
    calls_seen: int = 1
    change: Change | None = None

    @property
    def headline(self) -> str:
        return headline(called=self.called_name, detail=self.blocking_call)

    @property
    def impact_ms(self) -> float:
        return self.blocked_ms + self.delay_ms + self.kept_out_ms

    @property
    def place(self) -> str:
        """File and line, empty if no file is known."""
        return f"{self.filename}:{self.lineno}" if self.filename else ""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that have a route, a module, … in common; ``name`` is empty if they have none.

    ``worst`` is the finding that blocked most. ``p95_ms`` is ``None`` without a histogram.
    """

    name: str
    findings: int
    events: int
    blocked_ms: float
    longest_ms: float
    p95_ms: float | None
    requests_delayed: int
    delay_ms: float
    requests_kept_out: int
    kept_out_ms: float
    worst: str

    @property
    def total_delay_ms(self) -> float:
        return self.delay_ms + self.kept_out_ms

    @property
    def total_ms(self) -> float:
        return self.blocked_ms + self.total_delay_ms


@dataclass(frozen=True, slots=True)
class Report:
    """A report on the time from ``since`` on, or on all time.

    ``stored`` counts findings of any status. The report lists ``findings`` or, if ``group_by`` is not ``FINDING``, the
    first of ``groups_in_all`` groups. ``thread_waits`` are the first of ``thread_waits_in_all``.
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
