"""Runs the suite in two lanes: ``python -m tests [--quick] [options of pytest]``.

The parallel lane holds every test that a busy machine only makes slower. The tests that measure real time follow, alone
and one after the other. ``--quick`` runs the parallel lane without the tests that start a server or a browser.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

PARALLEL = ("-n", "auto", "--dist", "loadgroup")
ONE_BY_ONE = ("-p", "no:xdist")
ORDINARY = "not catalogue"


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    tests: str
    options: tuple[str, ...]


ALL = (
    Lane("parallel", "not real_time", PARALLEL),
    Lane("real time", "real_time", ONE_BY_ONE),
)
QUICK = (Lane("quick", "not real_time and not servers and not browser", PARALLEL),)


@dataclass(frozen=True, slots=True)
class Outcome:
    lane: Lane
    status: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.lane.name:<10} {ENDINGS.get(self.status, 'failed'):<14} {self.seconds:5.0f} s"


ENDINGS = {
    pytest.ExitCode.OK: "passed",
    pytest.ExitCode.INTERRUPTED: "interrupted",
    pytest.ExitCode.NO_TESTS_COLLECTED: "no tests",
}


def main() -> int:
    """Run the lanes; the status is pytest's: that of the worst lane, and 5 only where no lane had a test."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("-m", dest="markers", default=ORDINARY)
    asked, options = parser.parse_known_args()
    outcomes = []
    for lane in QUICK if asked.quick else ALL:
        outcomes.append(run(lane, asked.markers, options))
        if outcomes[-1].status == pytest.ExitCode.INTERRUPTED:
            break
    print(*outcomes, sep="\n")
    return worst(outcome.status for outcome in outcomes)


def run(lane, markers, options):
    chosen = " and ".join(f"({expression})" for expression in (lane.tests, markers) if expression)
    begin = time.monotonic()
    command = [sys.executable, "-m", "pytest", *lane.options, "-m", chosen, *options]
    status = subprocess.run(command, check=False).returncode
    return Outcome(lane, status, time.monotonic() - begin)


def worst(statuses):
    ran = {status for status in statuses if status != pytest.ExitCode.NO_TESTS_COLLECTED}
    return max(ran, key=abs, default=int(pytest.ExitCode.NO_TESTS_COLLECTED))


if __name__ == "__main__":
    sys.exit(main())
