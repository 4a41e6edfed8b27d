"""What was found as pytest shows a failure."""

from collections.abc import Sequence

from _pytest._code.code import ExceptionChainRepr, ReprEntry, ReprFileLocation, ReprTraceback

from loopwatch.testing.failure_text import FailureText, TracebackEntry, failure_texts
from loopwatch.testing.finding import FindingInTest


def pytest_failure(found: Sequence[FindingInTest], threshold_ms: float) -> ExceptionChainRepr:
    """All that is new in a test, as a chain of exceptions: pytest takes the headline from the last of them.

    ``found`` is not empty.
    """
    told, left_out = failure_texts(found, threshold_ms)
    said = [f"{left_out} more are not shown. And:"] if left_out else []
    said += ["And:"] * (len(told) - len(said) - 1)
    return ExceptionChainRepr(
        [
            (_traceback(failure), ReprFileLocation(failure.filename, failure.lineno, failure.headline), then)
            for failure, then in zip(told, [*said, None], strict=True)
        ]
    )


def _traceback(failure: FailureText) -> ReprTraceback:
    said = ReprEntry([f"E   {line}" for line in failure.message], None, None, None, "short")
    return ReprTraceback([*map(_entry, failure.entries), said], None, "short")


def _entry(entry: TracebackEntry) -> ReprEntry:
    place = ReprFileLocation(entry.filename, entry.lineno, f"in {entry.function}")
    return ReprEntry(entry.lines, None, None, place, "short")
