"""Renders plain functions that block as configuration of flake8-async, whose rule ASYNC200 then reports their callers.

A coroutine function that blocks is none of them: it is awaited wherever it is called.
"""

from collections.abc import Iterator

from loopwatch.advice.coroutines import can_await
from loopwatch.reporting.report import Report, ReportedFinding
from loopwatch.reporting.repository import Repository


def render_flake8_async(report: Report, repository: Repository) -> str:
    """Render the section of a configuration file, which can be empty of functions."""
    functions = sorted(set(_plain_functions(report, repository)))
    lines = [f"    {function} -> asyncio.to_thread({function})," for function in functions]
    return "\n".join(("[flake8]", "async200-blocking-calls =", *lines))


def blocks_its_callers(finding: ReportedFinding, repository: Repository) -> bool:
    """Return whether the finding is of a plain function in the repository that other modules can name."""
    place = repository.place(finding)
    if place is None or not all(part.isidentifier() for part in finding.function.split(".")):
        return False
    return can_await(repository.lines(place), place.lineno) is False


def _plain_functions(report: Report, repository: Repository) -> Iterator[str]:
    for finding in report.findings:
        if blocks_its_callers(finding, repository):
            yield finding.function
