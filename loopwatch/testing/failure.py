"""What was found as pytest shows a failure."""

from collections.abc import Sequence

from _pytest._code.code import ExceptionChainRepr, ReprEntry, ReprFileLocation, ReprTraceback

from loopwatch.testing.account import Account, Entry, accounts
from loopwatch.testing.found import Found


def failure(found: Sequence[Found], threshold_ms: float) -> ExceptionChainRepr:
    """All that is new in a test, as a chain of exceptions: pytest takes the headline from the last of them.

    ``found`` is not empty.
    """
    told, left_out = accounts(found, threshold_ms)
    said = [f"{left_out} more are not shown. And:"] if left_out else []
    said += ["And:"] * (len(told) - len(said) - 1)
    return ExceptionChainRepr(
        [
            (_traceback(account), ReprFileLocation(account.filename, account.lineno, account.headline), then)
            for account, then in zip(told, [*said, None], strict=True)
        ]
    )


def _traceback(account: Account) -> ReprTraceback:
    said = ReprEntry([f"E   {line}" for line in account.said], None, None, None, "short")
    return ReprTraceback([*map(_entry, account.entries), said], None, "short")


def _entry(entry: Entry) -> ReprEntry:
    place = ReprFileLocation(entry.filename, entry.lineno, f"in {entry.function}")
    return ReprEntry(entry.lines, None, None, place, "short")
