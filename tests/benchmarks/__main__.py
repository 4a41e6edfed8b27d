"""What loopwatch costs, beside other tools of the field, as tables or JSON.

Every figure compares what was measured side by side, in short rounds in which all take turns: the median over the
rounds, and how far the true one may be from it. Measured is the CPU time of the whole process, other threads included;
of served pages also their throughput and latency.
"""

import argparse
import fnmatch
import json
import math
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from tests.benchmarks import pages, site
from tests.benchmarks.budgets import Verdict, judged
from tests.benchmarks.figures import Figure
from tests.benchmarks.measuring import WorkerError, compared, measure
from tests.benchmarks.table import Figures, table, tables_of_pages
from tests.benchmarks.variants import BARE, VARIANTS
from tests.benchmarks.workloads.catalogue import BY_NAME, WORKLOADS
from tests.benchmarks.workloads.work import Group, Workload

SECONDS = 6.0
THOROUGH_SECONDS = 60.0
THOROUGH_GENERATIONS = 8


def main() -> int:
    arguments = _arguments()
    chosen = [
        workload
        for workload in WORKLOADS
        if (workload.name in arguments.only if arguments.only else arguments.thorough or not workload.is_once)
    ]
    if arguments.pin is not None:
        _pin(arguments.pin)
    seconds = 0.0 if arguments.quick else THOROUGH_SECONDS if arguments.thorough else SECONDS
    with database():
        figures = {name: each for workload in chosen for name, each in _figures(workload, seconds).items()}
    if arguments.json:
        print(json.dumps(_as_json(chosen, figures), indent=1))
    else:
        _print(chosen, figures)
    return _check(figures) if arguments.check else 0


def _pin(cpu: int) -> None:
    """This process and those it starts: on one CPU the threads of a process do not compete for the GIL."""
    try:
        os.sched_setaffinity(0, {cpu})
    except (AttributeError, OSError) as error:
        sys.exit(f"--pin {cpu}: this machine does not let a process choose that CPU: {error}")


def _figures(workload: Workload, seconds: float) -> dict[str, dict[str, Figure]]:
    print(f"{workload.name}: {workload.title} …", file=sys.stderr, flush=True)
    variants = [variant for variant in VARIANTS if variant.is_available and workload.is_for(variant)]
    try:
        generations = THOROUGH_GENERATIONS if seconds >= THOROUGH_SECONDS else 1
        return compared(workload, measure(workload, variants, seconds, generations))
    except WorkerError as error:
        sys.exit(f"{error}; what went wrong is above")


def database() -> TemporaryDirectory[str]:
    """One that is migrated; all sites share it."""
    folder = TemporaryDirectory()
    os.environ[site.DATABASE_VARIABLE] = str(Path(folder.name) / "site.sqlite3")
    site.configure()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    pages.fill_database()
    return folder


def _machine() -> str:
    versions = f"Python {platform.python_version()}, Django {django.__version__}"
    return f"{versions}, {os.cpu_count()} CPUs, {platform.platform()}"


def _print(chosen: Sequence[Workload], figures: Figures) -> None:
    print(_machine())
    for group in Group:
        workloads = [workload for workload in chosen if workload.group is group]
        if workloads:
            tables = tables_of_pages if group is Group.PAGES else table
            print(f"\n{group.value}\n{tables(workloads, figures)}")


def _as_json(chosen: Sequence[Workload], figures: Figures) -> dict[str, object]:
    return {
        "machine": _machine(),
        "figures": [
            {"workload": measure.name, "variant": variant, "unit": measure.shown.value, **_finite(figure)}
            for workload in chosen
            for measure in workload.figures
            for variant, figure in figures[measure.name].items()
            if variant != BARE.name
        ],
        "budgets": [{**asdict(budget), "verdict": verdict.value} for budget, verdict in judged(figures)],
    }


def _named(pattern: str) -> list[str]:
    found = fnmatch.filter(BY_NAME, pattern)
    if not found:
        raise argparse.ArgumentTypeError(f"{pattern} is none of {', '.join(BY_NAME)}")
    return found


def _finite(figure: Figure) -> dict[str, object]:
    """JSON knows no infinity."""
    return {**asdict(figure), "error": None if math.isinf(figure.error) else figure.error}


def _check(figures: Figures) -> int:
    verdicts = list(judged(figures))
    for budget, verdict in verdicts:
        print(f"{budget}: {verdict.value}", file=sys.stderr)
    return 1 if any(verdict is Verdict.MISSED for _, verdict in verdicts) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make benchmarks ARGS=…", description=__doc__)
    names = f"{', '.join(BY_NAME)}, or patterns such as uvicorn-*"
    parser.add_argument("--only", action="extend", type=_named, metavar="NAME", help=f"may be repeated: {names}")
    lengths = parser.add_mutually_exclusive_group()
    lengths.add_argument("--quick", action="store_true", help="one round of each: whether it runs, not what it costs")
    lengths.add_argument("--thorough", action="store_true", help="ten times as long as ordinarily")
    parser.add_argument("--pin", type=int, metavar="CPU", help="all on this CPU, which lessens the spread")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--check", action="store_true", help="fail if a budget is surely missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
