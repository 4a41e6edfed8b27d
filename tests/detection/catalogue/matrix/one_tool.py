"""Runs the catalogue under one tool and prints a line of JSON for every case. For a process of its own."""

import gc
import json
import os
import sys
from dataclasses import asdict

import django
import pytest

from tests.detection.catalogue.case import Case
from tests.detection.catalogue.matrix.comparison import score
from tests.detection.catalogue.matrix.tools import TOOLS
from tests.detection.catalogue.run import CASES, run_case
from tests.detection.catalogue.sizes import STALL_S

MOST_RUNS = 3
"""A run that the machine disturbed is repeated, for every tool alike."""
DISTURBED = 0.1
"""From this share of the blocked time on, spent waiting for a CPU."""


def main(tool: str, loop: str, threshold_ms: str, names: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for case in CASES:
        if loop in case.loops and case.name in names:
            gc.freeze()
            print(json.dumps({"tool": tool, "case": case.name, **_score(case, tool, loop, float(threshold_ms))}))
            sys.stdout.flush()


def _score(case: Case, tool: str, loop: str, threshold_ms: float) -> dict[str, object]:
    for _ in range(MOST_RUNS):
        watcher = TOOLS[tool](threshold_ms)
        try:
            run = run_case(case, watcher, loop, "main")
        except pytest.skip.Exception as reason:
            return {"skipped": str(reason)}
        except Exception as error:
            return {"failed": f"{type(error).__name__}: {error}"}
        blocked_s = sum(blocked.duration_ms for blocked in run.truth.blocked) / 1000
        if run.waited_for_cpu_s < DISTURBED * max(blocked_s, STALL_S):
            break
    return asdict(score(case, run, watcher.told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
