"""Declares the options of ``loopwatch_report`` and checks which of them contradict each other."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from loopwatch.models import Finding
from loopwatch.reporting.fail_on import ANY, CONDITIONS, FailOn
from loopwatch.reporting.formats import FORMATS
from loopwatch.reporting.group_report import GROUPINGS
from loopwatch.reporting.release_change import NEW
from loopwatch.reporting.report import FINDING, HOST
from loopwatch.reporting.selection import ALL, SORTS, STATUSES, Selection
from loopwatch.reporting.since_option import FORMS, parse_since
from loopwatch.wording.durations import parse_duration_ms

_SHORTEST_INTERVAL_S, _LONGEST_INTERVAL_S = 0.5, 3600.0


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Holds the options as given. ``problems()`` lists what is wrong with them."""

    since: str | None
    limit: int
    sort: str
    status: str | None
    group_by: str
    compare: list[str] | None
    format: str
    output: str | None
    fail_on: list[str] | None
    fail_over: float | None
    repository: str | None
    watch: float | None
    steps: bool
    compact: bool

    @classmethod
    def parsed(cls, options: dict[str, Any]) -> "ReportOptions":
        """Build the options from the arguments of a command's ``handle``."""
        return cls(**{field.name: options[field.name] for field in fields(cls)})

    @property
    def compared(self) -> tuple[str, str] | None:
        """The two releases to compare, the earlier first."""
        return (self.compare[0], self.compare[1]) if self.compare else None

    @property
    def fail_conditions(self) -> FailOn | None:
        """What makes the command fail, or ``None``. ``--fail-over`` alone applies to every finding."""
        if not self.fail_on and self.fail_over is None:
            return None
        return FailOn(frozenset(self.fail_on or [ANY]), self.fail_over or 0.0, self.compared)

    def selection(self, now: datetime, using: str) -> Selection:
        """Return which findings to report, as of ``now``. Raises ``ValueError`` for an invalid ``--since``."""
        # A comparison includes resolved findings, and hourly figures of hosts do not know a status.
        includes_all = self.compare or self.group_by == HOST
        status = self.status or (ALL if includes_all else Finding.Status.OPEN.value)
        since = parse_since(self.since, now) if self.since is not None else None
        return Selection(since, status, self.sort, self.limit, using)

    def problems(self) -> Iterator[str]:
        """Yield a message for each invalid combination of options, with what to do instead."""
        if self.limit < 1:
            yield "--limit must be at least 1."
        if self.steps and (self.group_by != FINDING or self.compare or self.format != "text" or self.fail_conditions):
            yield "--steps counts all steps, as text: use it with --since, --output and --watch only."
        if self.compact and (self.group_by != FINDING or self.compare or self.format != "text" or self.steps):
            yield "--compact prints findings as text: omit --group-by, --compare, --format and --steps."
        if self.group_by != FINDING:
            yield from self._problems_with_groups()
        if self.compare and not FORMATS[self.format].prints_changes:
            yield f"--format {self.format} cannot show a comparison: omit --compare, or choose another format."
        if self.compare and self.compare[0] == self.compare[1]:
            yield "--compare needs two different releases."
        if NEW in (self.fail_on or ()) and not self.compare and self.since is None:
            yield "--fail-on new needs --since WHEN or --compare RELEASE_A RELEASE_B."
        if self.watch is not None:
            yield from self._problems_with_watching()

    def _problems_with_groups(self) -> Iterator[str]:
        if self.compare:
            yield "--compare compares findings: omit --group-by."
        if self.sort == "last-seen":
            yield "--sort last-seen applies to findings only: omit --group-by, or choose another order."
        if self.group_by == HOST and (self.fail_conditions or self.status not in {None, ALL}):
            yield "--group-by host covers all findings: omit --status, --fail-on and --fail-over."
        if not FORMATS[self.format].prints_groups:
            yield f"--format {self.format} lists findings only: omit --group-by."

    def _problems_with_watching(self) -> Iterator[str]:
        if self.format != "text":
            yield f"--watch shows text: omit --format {self.format}."
        if self.output:
            yield "--watch shows the report on the terminal: omit --output."
        if self.fail_conditions:
            yield "--watch runs until it is interrupted: omit --fail-on and --fail-over."


def add_arguments(parser: CommandParser) -> None:
    """Add the options in three groups: what to report, how to print it, and when to fail."""
    what = parser.add_argument_group("what to report")
    what.add_argument("--since", metavar="WHEN", help=f"only stalls since this time, rounded down to the hour: {FORMS}")
    what.add_argument(
        "--status",
        choices=STATUSES,
        help="only findings with this status (default: open, but all for --compare and --group-by host)",
    )
    what.add_argument("--sort", choices=SORTS, default="impact", help="sort key, largest first (default: impact)")
    what.add_argument(
        "--limit",
        type=int,
        default=20,
        metavar="N",
        help="number of rows; with --compare, of each kind (default: 20)",
    )
    what.add_argument(
        "--group-by",
        choices=(FINDING, *GROUPINGS, HOST),
        default=FINDING,
        help="what each row is (default: finding)",
    )
    what.add_argument(
        "--steps", action="store_true", help="how many steps lasted how long, from 2 ms on, to choose the threshold"
    )
    what.add_argument(
        "--compare",
        nargs=2,
        metavar=("RELEASE_A", "RELEASE_B"),
        help="show what is new, worse, gone and better in the second release, per hour of service",
    )
    how = parser.add_argument_group("how to print it")
    how.add_argument("--format", choices=FORMATS, default="text", help="output format (default: text)")
    how.add_argument("--compact", action="store_true", help="one line for each finding")
    how.add_argument("--output", metavar="FILE", help="write the report to this file, in UTF-8")
    how.add_argument(
        "--repository",
        metavar="DIRECTORY",
        help="root for sarif, github, flake8-async and patch (default: the folder with .git, at BASE_DIR or above)",
    )
    how.add_argument(
        "--watch",
        nargs="?",
        type=_interval_s,
        const=2.0,
        metavar="SECONDS",
        help="redraw the report on the terminal every SECONDS (default: 2), until Ctrl-C",
    )
    build = parser.add_argument_group("when to fail (exit status: 0 clean, 1 findings, 2 no report could be made)")
    build.add_argument(
        "--fail-on",
        action="append",
        choices=CONDITIONS,
        help="new: first seen in the period or the later release; regressed: seen again after being resolved, or "
        "worse; any: every finding. May be repeated",
    )
    build.add_argument(
        "--fail-over",
        type=_duration_ms,
        metavar="DURATION",
        help="fail only for findings whose longest stall is at least this long: 100ms, 1.5s",
    )


def _duration_ms(text: str) -> float:
    duration_ms = parse_duration_ms(text)
    if duration_ms is None:
        raise ArgumentTypeError(f"{text!r} is not a duration. Examples: 100ms, 1.5s.")
    return duration_ms


def _interval_s(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _SHORTEST_INTERVAL_S <= seconds <= _LONGEST_INTERVAL_S:
        raise ArgumentTypeError(
            f"{text!r} is not a number of seconds from {_SHORTEST_INTERVAL_S} to {_LONGEST_INTERVAL_S:g}."
        )
    return seconds
