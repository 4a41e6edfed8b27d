"""What an event's step spent its time on."""

from dataclasses import dataclass

from loopwatch.models import BlockingEvent


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """``count`` is ``None`` where the engine cannot count calls."""

    name: str
    own_ms: float
    count: int | None
    percent: int


def contributions_of(event: BlockingEvent) -> list[ContributionRow]:
    """The stored contributions, largest first, with their shares of the step; junk is left out."""
    stored = event.contributions if isinstance(event.contributions, list) else []
    rows = []
    for entry in stored:
        match entry:
            case {"name": str() as name, "own_ms": int() | float() as own_ms, "count": int() | None as count}:
                rows.append(ContributionRow(name, own_ms, count, round(100 * own_ms / (event.step_ms or own_ms or 1))))
    return sorted(rows, key=lambda row: row.own_ms, reverse=True)
