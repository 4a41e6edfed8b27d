"""Holds the report against what the site is known to do: every mistake must be there, and no twin."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testproject.mistakes import MISTAKES, Mistake


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    blocking_call: str
    function: str
    filename: str
    lineno: int
    routes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.blocking_call} in {self.function}, line {self.lineno}"


def parse_report(text: str) -> list[ReportedFinding]:
    """The findings of ``loopwatch_report --format json``."""
    findings: list[dict[str, Any]] = json.loads(text)["findings"]
    return [
        ReportedFinding(
            finding["blocking_call"],
            finding["function"],
            finding["filename"],
            finding["lineno"],
            tuple(finding["routes"]),
        )
        for finding in findings
    ]


def missing(findings: Sequence[ReportedFinding]) -> list[str]:
    """The mistakes that no finding shows with the right call, function and line."""
    return [
        f"{mistake.name}: no finding of {mistake.blocking_calls[0]} in {mistake.function}"
        for mistake in MISTAKES
        if not any(shows(finding, mistake) for finding in findings)
    ]


def unexpected(findings: Sequence[ReportedFinding]) -> list[str]:
    """The findings that show no mistake, or that some corrected twin had a part in."""
    return [
        f"{finding} ({', '.join(finding.routes)})"
        for finding in findings
        if not any(shows(finding, mistake) for mistake in MISTAKES) or any(has_twin(finding, m) for m in MISTAKES)
    ]


def shows(finding: ReportedFinding, mistake: Mistake) -> bool:
    return (
        finding.blocking_call in mistake.blocking_calls
        and finding.function == mistake.function
        and Path(finding.filename).name == mistake.filename.name
        and finding.lineno in mistake.line_numbers()
    )


def has_twin(finding: ReportedFinding, mistake: Mistake) -> bool:
    return any(mistake.twin.route in route for route in finding.routes)
