"""A figure and how far it can be trusted."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

FEWEST_GENERATIONS = 3
"""Fewer say nothing of how they differ."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The median over ``rounds``. The true one lies within ``error`` of it in 19 of 20 cases; one round says nothing
    about that."""

    median: float
    error: float
    rounds: int


def figure_of(generations: Sequence[Sequence[float]]) -> Figure:
    """The median over everything. What differs from one generation of processes to the next counts as error, too."""
    overall = figure([value for each in generations for value in each])
    if len(generations) < FEWEST_GENERATIONS:
        return overall
    spread = statistics.stdev(statistics.median(each) for each in generations)
    return replace(overall, error=max(overall.error, 2 * spread / math.sqrt(len(generations))))


def figure(values: Sequence[float]) -> Figure:
    median = statistics.median(values)
    if len(values) < 2:
        return Figure(median, math.inf, len(values))
    low, _, high = statistics.quantiles(values, n=4)
    # The middle half spans 1.35 standard deviations, and a median is known 1.25 times worse than a mean.
    standard_error = 1.25 * (high - low) / 1.35 / math.sqrt(len(values))
    return Figure(median, 2 * standard_error, len(values))
