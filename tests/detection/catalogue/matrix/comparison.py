"""What a tool has told about a run, and what of it is right.

Names are compared generously: a tool need not know the module or the class, as long as what it says is not something
else. Whatever any report of a stall names counts, and whatever a stack shows that comes with it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.detection.catalogue.case import Blocked, Case
from tests.detection.catalogue.run import Run
from tests.detection.catalogue.verdict import ALLOWANCE_MS, culprits_of

LATE_S = 0.25
"""A tool that polls tells of a stall after it; but not so late that the next one has begun."""
SAME = {"thread": "threading", "builtin": "", "builtins": "", "io": "", "cpython": ""}


@dataclass(frozen=True, slots=True)
class Told:
    """One report. ``lines`` are file names and line numbers; ``told_at`` is a time of day in the stall or after it."""

    names: frozenset[str]
    lines: frozenset[tuple[str, int]]
    duration_ms: float
    told_at: float


@dataclass(frozen=True, slots=True)
class Score:
    """Of how many stalls each is true. ``unfounded`` counts reports where nothing blocked."""

    stalls: int = 0
    found: int = 0
    once: int = 0
    named: int = 0
    located: int = 0
    timed: int = 0
    unfounded: int = 0


def score(case: Case, run: Run, told: Sequence[Told]) -> Score:
    """``told`` in the order it was told."""
    stalls = run.truth.blocked
    of_stalls: list[list[Told]] = [[] for _ in stalls]
    unfounded = 0
    for report in told:
        begun = [number for number, blocked in enumerate(stalls) if blocked.started_at <= report.told_at]
        if begun and report.told_at <= stalls[begun[-1]].ended_at + LATE_S:
            of_stalls[begun[-1]].append(report)
        else:
            unfounded += 1
    pairs = list(zip(stalls, of_stalls, strict=True))
    return Score(
        stalls=len(stalls),
        found=sum(1 for _, reports in pairs if reports),
        once=sum(1 for _, reports in pairs if len(reports) == 1),
        named=sum(1 for _, reports in pairs if any(_is_named(case, report) for report in reports)),
        located=sum(1 for _, reports in pairs if any(_is_located(case, report) for report in reports)),
        timed=sum(1 for blocked, reports in pairs if any(_is_timed(blocked, report) for report in reports)),
        unfounded=unfounded,
    )


def _is_named(case: Case, report: Told) -> bool:
    return any(means(name, culprit) for name in report.names for culprit in culprits_of(case))


def means(name: str, culprit: str) -> bool:
    """Whether ``name`` is ``culprit``, or the end of it, or that without the class or the module."""
    *context, last = _words(name) or [""]
    *known, wanted = _words(culprit) or [""]
    return last == wanted and set(context) <= set(known)


def _words(name: str) -> list[str]:
    words = [word.strip("_") or word for word in re.split(r"[.\s]+", name.lower())]
    return [same for word in words if (same := SAME.get(word, word))]


def _is_located(case: Case, report: Told) -> bool:
    assert case.expected is not None
    if not case.expected.where:  # C functions that the loop itself calls are on no line
        return True
    lines = case.lines(marked=not case.expected.is_anywhere)
    return any(line in lines and case.filename.endswith(filename) for filename, line in report.lines)


def _is_timed(blocked: Blocked, report: Told) -> bool:
    tolerance_ms = max(1.0, 0.02 * blocked.duration_ms)
    return -tolerance_ms <= report.duration_ms - blocked.duration_ms <= tolerance_ms + ALLOWANCE_MS
