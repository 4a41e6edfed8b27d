"""What the design allows, and whether the figures keep to it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tests.benchmarks.table import Figures
from tests.benchmarks.variants import SAMPLING, TRACING

TRACED_VIEW = 1.15 if sys.version_info >= (3, 12) else 1.8


class Verdict(Enum):
    MET = "met"
    UNCLEAR = "over, but by less than the rounds differ"
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class Budget:
    workload: str
    variant: str
    most: float

    def verdict(self, figures: Figures) -> Verdict | None:
        """``None`` if it was not measured."""
        figure = figures.get(self.workload, {}).get(self.variant)
        if figure is None:
            return None
        if figure.median <= self.most:
            return Verdict.MET
        return Verdict.UNCLEAR if figure.median - figure.error <= self.most else Verdict.MISSED


BUDGETS = (
    Budget("callback", SAMPLING.name, 150),
    Budget("view", SAMPLING.name, 1.02),
    Budget("middleware", SAMPLING.name, 1.02),
    Budget("view", TRACING.name, TRACED_VIEW),
    Budget("middleware", TRACING.name, TRACED_VIEW),
    Budget("stall-cpu", SAMPLING.name, 50),
    Budget("idle", SAMPLING.name, 0.2),
    Budget("idle", TRACING.name, 0.2),
    Budget("ticks", SAMPLING.name, 0.2),
    Budget("ticks", TRACING.name, 0.2),
)


def judged(figures: Figures) -> Iterator[tuple[Budget, Verdict]]:
    for budget in BUDGETS:
        verdict = budget.verdict(figures)
        if verdict is not None:
            yield budget, verdict
