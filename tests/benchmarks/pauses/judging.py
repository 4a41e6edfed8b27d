"""Judges which pauses that a loop has felt were reported, and what in the reports was right. Nothing here waits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.pauses.causes import Pause

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Judged:
    """One felt pause. ``None`` means that nothing was said: no report, no exact call, no certain holder."""

    lasted_ms: float
    is_reported: bool
    is_cause_right: bool | None = None
    is_call_right: bool | None = None
    is_holder_right: bool | None = None
    said: str = ""


def judge(felt: Sequence[Span], reports: Sequence[dict[str, Any]], made: Pause) -> Iterator[Judged]:
    """Compare each felt pause with the reports of the same time; the report that covers most of it says who made it.

    A pause is reported if the reports cover at least half of it.
    """
    for began, ended in felt:
        lasted_s = ended - began
        shares = [(overlap((began, ended), (report["began"], report["ended"])), report) for report in reports]
        covered_s = sum(share for share, _ in shares)
        if covered_s < lasted_s / 2:
            yield Judged(lasted_s * 1000, is_reported=False)
            continue
        report = max(shares, key=lambda pair: pair[0])[1]
        yield Judged(
            lasted_s * 1000,
            is_reported=True,
            is_cause_right=report["cause"] in made.causes,
            is_call_right=is_call_right(report, made),
            is_holder_right=is_holder_right(report, made),
            said=said(report),
        )


def overlap(one: Span, other: Span) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def is_call_right(report: dict[str, Any], made: Pause) -> bool | None:
    """Whether the call named as exact is the right one, by name, line and columns.

    If another thread kept the GIL, no call of the step is.
    """
    if not report["exact"] or report["cause"] not in ("computing", "waiting", "garbage collection", "importing"):
        return None
    return not made.holder and is_expression_right(report, made)


def is_holder_right(report: dict[str, Any], made: Pause) -> bool | None:
    holder = report["holder"]
    if not holder or not report["holder_is_exact"]:
        return None
    return holder["function"] == made.holder and is_expression_right(holder, made)


def is_expression_right(named: dict[str, Any], made: Pause) -> bool:
    return named["called_name"] in made.calls and made.source in ("", named["source"])


def said(report: dict[str, Any]) -> str:
    """A report in one line, for those that are wrong."""
    certainty = "exact" if report["exact"] else "likely"
    text = f"{report['cause']}: {report['called_name']} as {report['source']!r} ({certainty})"
    holder = report["holder"]
    return f"{text}, held by {holder['called_name']} in {holder['function']}" if holder else text
