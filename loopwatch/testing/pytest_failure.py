"""Builds pytest's representation of a failure from the findings of a test."""

from collections.abc import Sequence

from _pytest._code.code import ExceptionChainRepr, ReprEntry, ReprFileLocation, ReprTraceback

from loopwatch.testing.failure_text import FailureText, failure_texts
from loopwatch.testing.finding import FindingInTest
from loopwatch.testing.traceback_entries import TracebackEntry


def pytest_failure(findings: Sequence[FindingInTest], threshold_ms: float) -> ExceptionChainRepr:
    """Return the findings as a chain of exceptions; pytest takes its headline from the last one.

    ``findings`` must not be empty.
    """
    shown, left_out = failure_texts(findings, threshold_ms)
    links = [f"{left_out} more not shown. Also:"] if left_out else []
    links += ["Also:"] * (len(shown) - len(links) - 1)
    return ExceptionChainRepr(
        [
            (_traceback(failure), ReprFileLocation(failure.filename, failure.lineno, failure.headline), link)
            for failure, link in zip(shown, [*links, None], strict=True)
        ]
    )


def _traceback(failure: FailureText) -> ReprTraceback:
    message = ReprEntry([f"E   {line}" for line in failure.message], None, None, None, "short")
    return ReprTraceback([*map(_entry, failure.entries), message], None, "short")


def _entry(entry: TracebackEntry) -> ReprEntry:
    place = ReprFileLocation(entry.filename, entry.lineno, f"in {entry.function}") if entry.function else None
    return ReprEntry(entry.lines, None, None, place, "short")
