"""Holds the report against what the site is known to do: every mistake must be there, and no twin."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testproject.mistakes import ALL_MISTAKES, HOLDS_A_THREAD, Mistake


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    blocking_call: str
    function: str
    filename: str
    lineno: int
    cause: str
    routes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.blocking_call} in {self.function}, line {self.lineno} ({', '.join(self.routes)})"


@dataclass(frozen=True, slots=True)
class Reported:
    """``holders`` are the calls that held a thread for which others waited."""

    findings: list[ReportedFinding]
    holders: list[str]


def parse_report(text: str) -> Reported:
    """What ``loopwatch_report --format json`` prints."""
    report: dict[str, Any] = json.loads(text)
    findings = [
        ReportedFinding(
            finding["blocking_call"],
            finding["function"],
            finding["filename"],
            finding["lineno"],
            finding["cause"],
            tuple(finding["routes"]),
        )
        for finding in report["findings"]
    ]
    return Reported(findings, [wait["held_by"] for wait in report["thread_waits"]])


def missing(reported: Reported) -> list[str]:
    """The mistakes that no finding shows with the right call, function and line, and no thread wait with the call."""
    unseen = [
        f"{mistake.name}: no finding of {mistake.blocking_calls[0]} in {mistake.function}"
        for mistake in ALL_MISTAKES
        if mistake is not HOLDS_A_THREAD and not any(shows(finding, mistake) for finding in reported.findings)
    ]
    if not set(HOLDS_A_THREAD.blocking_calls) & set(reported.holders):
        unseen.append(f"{HOLDS_A_THREAD.name}: nothing waited for the thread of {HOLDS_A_THREAD.function}")
    return unseen


def with_twin(findings: Sequence[ReportedFinding]) -> list[ReportedFinding]:
    """The findings that a corrected twin had a part in.

    On a busy machine the thread of a twin that computes may keep the GIL for long, but it blocks no event loop.
    """
    twins = [mistake.twin.route for mistake in ALL_MISTAKES]
    blocking = [finding for finding in findings if finding.cause != "GIL held by a thread"]
    return [finding for finding in blocking if any(twin in route for twin in twins for route in finding.routes)]


def besides(findings: Sequence[ReportedFinding]) -> list[ReportedFinding]:
    """The findings of neither a mistake nor a twin: what a busy machine may add."""
    twins = with_twin(findings)
    return [one for one in findings if one not in twins and not any(shows(one, mistake) for mistake in ALL_MISTAKES)]


def shows(finding: ReportedFinding, mistake: Mistake) -> bool:
    return (
        finding.blocking_call in mistake.blocking_calls
        and finding.function == mistake.function
        and Path(finding.filename).name == mistake.filename.name
        and finding.lineno in mistake.line_numbers()
    )
