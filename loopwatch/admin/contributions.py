"""What an event's step spent its time on."""

from collections.abc import Iterable
from dataclasses import dataclass

from loopwatch.rows.details import StoredContribution


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """``count`` is ``None`` where the engine cannot count calls."""

    name: str
    own_ms: float
    count: int | None
    percent: int


def contributions_of(contributions: Iterable[StoredContribution], step_ms: float) -> list[ContributionRow]:
    """The contributions to a step that lasted that long, largest first."""
    rows = [
        ContributionRow(each.name, each.own_ms, each.count, round(100 * each.own_ms / (step_ms or each.own_ms or 1)))
        for each in contributions
    ]
    return sorted(rows, key=lambda row: row.own_ms, reverse=True)
