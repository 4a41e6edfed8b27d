"""What the design allows, and whether the figures keep to it."""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tests.benchmarks.table import Figures
from tests.benchmarks.variants import SAMPLING, TRACING
from tests.benchmarks.workloads import served

TRACED_VIEW = 1.15 if sys.version_info >= (3, 12) else 1.8


class Verdict(Enum):
    MET = "met"
    UNCLEAR = "over, but by less than the rounds differ"
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a figure may be at most, or at least where more is better."""

    figure: str
    variant: str
    most: float = math.inf
    least: float = 0.0

    def __str__(self) -> str:
        limit = f"at least {self.least:g}" if self.least else f"at most {self.most:g}"
        return f"{self.figure}, {self.variant}: {limit}"

    def verdict(self, figures: Figures) -> Verdict | None:
        """``None`` if it was not measured."""
        figure = figures.get(self.figure, {}).get(self.variant)
        if figure is None:
            return None
        over = max(figure.median - self.most, self.least - figure.median)
        if over <= 0:
            return Verdict.MET
        return Verdict.UNCLEAR if over <= figure.error else Verdict.MISSED


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
    *(Budget(f"{page.name}-throughput", SAMPLING.name, least=0.99) for page in served.WORKLOADS),
    *(Budget(f"{page.name}-p99", SAMPLING.name, 1.0) for page in served.WORKLOADS),
    *(Budget(f"{page.name}-half-p99", SAMPLING.name, 1.0) for page in served.WORKLOADS),
)


def judged(figures: Figures) -> Iterator[tuple[Budget, Verdict]]:
    for budget in BUDGETS:
        verdict = budget.verdict(figures)
        if verdict is not None:
            yield budget, verdict
