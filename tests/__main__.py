"""Runs the suite in lanes: ``python -m tests [--quick] [--coverage] [options of pytest]``.

The parallel lane holds every test that a busy machine only makes slower. The tests that measure real time follow, alone
and one after the other. Those of the hot path follow once more, with its form in Python. ``--quick`` runs the parallel
lane without the tests that start a server or a browser.
``--coverage`` measures what the tests reach, and fails below the percentage in pyproject.toml.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from loopwatch.detection.timing.hot_path import IS_COMPILED

# One process more than CPUs, since tests of servers and browsers often wait. Neighbours stay together until a process
# has nothing left to do, and so share the servers of their folder.
PARALLEL = ("-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal")
ONE_BY_ONE = ("-n", "0")
ORDINARY = "not catalogue"
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""A terminal sends SIGINT to pytest too."""

PLAIN = (sys.executable, "-m", "pytest")
COVERAGE = (sys.executable, "-m", "coverage")
MEASURED = (*COVERAGE, "run", "-m", "pytest")


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    tests: str
    options: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


ALL = (
    Lane("parallel", "not real_time", PARALLEL),
    Lane("real time", "real_time", ONE_BY_ONE),
)
IN_PYTHON = Lane("in Python", "hot_path and not real_time", PARALLEL, {"LOOPWATCH_PURE_PYTHON": "1"})
"""Left out where the hot path is not compiled, because the parallel lane has then run these tests so."""
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
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("-m", dest="markers", default=ORDINARY)
    asked, options = parser.parse_known_args()
    if asked.coverage and sys.version_info < (3, 14):
        # Before, coverage.py counts branches by a trace function, which slows what the real-time tests measure.
        parser.error("--coverage needs Python 3.14 or later")
    pytest_command = MEASURED if asked.coverage else PLAIN
    if asked.coverage:
        subprocess.run([*COVERAGE, "erase"], check=True)
    outcomes = []
    for lane in QUICK if asked.quick else (*ALL, *((IN_PYTHON,) if IS_COMPILED else ())):
        outcomes.append(run(lane, pytest_command, asked.markers, options))
        if outcomes[-1].status == pytest.ExitCode.INTERRUPTED:
            break
    reached = report_coverage() if asked.coverage else pytest.ExitCode.OK
    print(*outcomes, sep="\n", flush=True)
    return worst([outcome.status for outcome in outcomes]) or reached


def run(lane, pytest_command, markers, options):
    chosen = " and ".join(f"({expression})" for expression in (lane.tests, markers) if expression)
    begin = time.monotonic()
    command, environment = [*pytest_command, *lane.options, "-m", chosen, *options], os.environ | lane.environment
    with subprocess.Popen(command, env=environment) as process, passed_on_to(process):
        status = process.wait()
    return Outcome(lane, status, time.monotonic() - begin)


@contextmanager
def passed_on_to(process):
    """Leave it to pytest how a run ends: it stops what its tests have started, and needs time for that."""

    def pass_on(number, frame):
        if number != signal.SIGINT:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in ENDING if signal.getsignal(number) != signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def report_coverage():
    """Print the table of all processes; 2 if less is reached than pyproject.toml asks for."""
    subprocess.run([*COVERAGE, "combine", "--quiet"], check=True)
    return subprocess.run([*COVERAGE, "report"], check=False).returncode


def worst(statuses):
    ran = {status for status in statuses if status != pytest.ExitCode.NO_TESTS_COLLECTED}
    return max(ran, key=abs, default=int(pytest.ExitCode.NO_TESTS_COLLECTED))


if __name__ == "__main__":
    sys.exit(main())
