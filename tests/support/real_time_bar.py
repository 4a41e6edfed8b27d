"""The statistical bar of the real-time tests: pure functions over what the runs of their cases said."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class Outcome(StrEnum):
    """What a run is worth. ``SHORT`` is true but less than exact; ``DISTURBED``: the machine had taken the CPU."""

    EXACT = "exact"
    SHORT = "short"
    FALSE = "false"
    DISTURBED = "disturbed"


class Decision(Enum):
    """What becomes of a case after the runs it has had."""

    RUN_AGAIN = auto()
    PASSED = auto()
    FAILED = auto()
    SKIPPED = auto()


SHORT_RUNS = 5
"""So many undisturbed runs, none of which is exact, are no accident."""
EXACT_RUNS_AFTER_FALSE = 5
"""A case that was false once has to be exact so often, which gives it the opportunity to be false twice."""
MOST_RUNS = 20
RUNS_PER_FALSE = 500
MOST_SKIPPED = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a case. ``reason`` is empty for an exact one."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """All the runs of one case. ``loop`` and ``engine`` are empty where the case does not choose them."""

    name: str
    python: str
    loop: str
    engine: str
    runs: tuple[Run, ...]

    @property
    def is_skipped(self) -> bool:
        return decide(self.runs) is Decision.SKIPPED

    def count(self, outcome: Outcome) -> int:
        return sum(run.outcome is outcome for run in self.runs)


def decide(runs: Sequence[Run]) -> Decision:
    """Whether a case that has had these runs is over."""
    said = Counter(run.outcome for run in runs)
    if said[Outcome.FALSE] > 1:
        return Decision.FAILED
    if said[Outcome.EXACT] >= (EXACT_RUNS_AFTER_FALSE if said[Outcome.FALSE] else 1):
        return Decision.PASSED
    if said[Outcome.SHORT] >= SHORT_RUNS and not said[Outcome.EXACT]:
        return Decision.FAILED
    return Decision.SKIPPED if len(runs) >= MOST_RUNS else Decision.RUN_AGAIN


def breaches(cases: Sequence[Case]) -> Iterator[str]:
    """Everything that fails the session."""
    counts = totals(cases)
    allowed = math.ceil(counts["runs"] / RUNS_PER_FALSE)
    if counts["false"] > allowed:
        yield f"{counts['false']} of {counts['runs']} runs were false, and at most {allowed} may be"
    for case in cases:
        if case.count(Outcome.FALSE) > 1:
            yield f"{case.name} was false twice"
    if counts["skipped"] > MOST_SKIPPED * counts["cases"]:
        yield (
            f"{counts['skipped']} of {counts['cases']} cases were skipped as disturbed, "
            f"and at most {MOST_SKIPPED:.0%} may be"
        )


def totals(cases: Sequence[Case]) -> dict[str, int]:
    """The counts of these cases and of their runs, by outcome."""
    outcomes = {outcome.value: sum(case.count(outcome) for case in cases) for outcome in Outcome}
    skipped = sum(case.is_skipped for case in cases)
    return {"cases": len(cases), "skipped": skipped, "runs": sum(outcomes.values()), **outcomes}


def by_group(cases: Sequence[Case]) -> dict[tuple[str, str, str], list[Case]]:
    """The cases by Python, loop and engine."""
    groups: dict[tuple[str, str, str], list[Case]] = {}
    for case in sorted(cases, key=lambda case: (case.python, case.loop, case.engine, case.name)):
        groups.setdefault((case.python, case.loop, case.engine), []).append(case)
    return groups
