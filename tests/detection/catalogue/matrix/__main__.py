"""Prints who finds what: every case of the catalogue times every tool that is installed."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.detection.catalogue.matrix.table import table, totals
from tests.detection.catalogue.matrix.tools import available
from tests.detection.catalogue.run import CASES, LOOPS

ROOT = Path(__file__).resolve().parents[4]
THRESHOLD_MS = 30.0
WITHIN_S = 1800


def main() -> None:
    arguments = _arguments()
    cases = [case.name for case in CASES if arguments.k in case.name and arguments.loop in case.loops]
    results: list[dict[str, object]] = []
    for tool in arguments.tool or available():
        print(f"{tool} …", file=sys.stderr)
        results += _results(tool, arguments.loop, cases)
    if arguments.json:
        print(json.dumps({"threshold_ms": THRESHOLD_MS, "totals": totals(results), "results": results}, indent=1))
    else:
        print(table(results))


def _results(tool: str, loop: str, cases: list[str]) -> Iterator[dict[str, object]]:
    """A case that takes its process with it is left out, and the others go on in another one."""
    left = list(cases)
    while left:
        told = _told(tool, loop, left)
        yield from told
        seen = {result["case"] for result in told}
        left = [case for case in left if case not in seen]
        if left and len(told) < len(left) + len(seen):
            yield {"tool": tool, "case": left.pop(0), "failed": "the process ended"}


def _told(tool: str, loop: str, cases: list[str]) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "tests.detection.catalogue.matrix.one_tool", tool, loop, str(THRESHOLD_MS), *cases]
    environment = dict(os.environ, PYTHONASYNCIODEBUG="1") if tool == "asyncio debug mode" else dict(os.environ)
    try:
        process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=WITHIN_S)
        output = process.stdout
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
    return [json.loads(line) for line in output.decode().splitlines() if line.startswith("{")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make matrix ARGS=…", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON, with everything that was counted")
    parser.add_argument("--loop", choices=sorted(LOOPS), default="asyncio")
    parser.add_argument("--tool", action="append", choices=available(), help="only this one; may be repeated")
    parser.add_argument("-k", default="", metavar="TEXT", help="only cases that have this in their name")
    return parser.parse_args()


if __name__ == "__main__":
    main()
