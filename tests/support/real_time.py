"""The one place where runs of real-time tests are accounted: a plugin of pytest.

A test asks for the fixture ``real_time``, repeats its case for as long as ``runs()`` gives it another run, and says of
every run what it was worth. The counts of the whole session are printed at its end, kept in a JSON file, and fail the
session if they miss the bar (``real_time_bar.py``).
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.support.real_time_bar import (
    Case,
    Decision,
    Outcome,
    Run,
    breaches,
    by_group,
    decide,
    totals,
)
from tests.support.witness import Witness

JSON_PATH = "LOOPWATCH_TESTS_REAL_TIME"
"""The environment variable that names another file than the one of this Python beside pyproject.toml."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}{sys.abiflags}"
CASES = pytest.StashKey[list[Case]]()
OF_WORKER = "real_time"


class OneRun:
    """A run that is going on; the test says of it what it was worth, once."""

    def __init__(self) -> None:
        self.said: Run | None = None

    def exact(self) -> None:
        self._say(Outcome.EXACT, "")

    def short(self, reason: str) -> None:
        self._say(Outcome.SHORT, reason)

    def false(self, reason: str) -> None:
        self._say(Outcome.FALSE, reason)

    def disturbed(self, reason: str) -> None:
        self._say(Outcome.DISTURBED, reason)

    def inexact(self, witness: Witness, reason: str) -> None:
        """Say that it is disturbed if the kernel kept its threads from a CPU, and short otherwise."""
        self.disturbed(f"{witness}; {reason}") if witness.saw_disturbance else self.short(reason)

    def _say(self, outcome: Outcome, reason: str) -> None:
        assert self.said is None, f"The run was {self.said} already"
        self.said = Run(outcome, reason)


class RealTime:
    """What the fixture gives to one test."""

    def __init__(self, test: str, cases: list[Case]) -> None:
        self._test = test
        self._cases = cases
        self._number = 0

    def runs(self, *, loop: str = "", engine: str = "") -> Iterator[OneRun]:
        """Give one run after the other until the case is decided; then fail or skip the test, or let it go on."""
        self._number += 1
        name = self._test if self._number == 1 else f"{self._test} #{self._number}"
        runs: list[Run] = []
        try:
            while decide(runs) is Decision.RUN_AGAIN:
                run = OneRun()
                yield run
                assert run.said is not None, "A run has to be said to be exact, short, false or disturbed"
                runs.append(run.said)
        finally:
            if runs:
                self._cases.append(Case(name, PYTHON, loop, engine, tuple(runs)))
        if decide(runs) is Decision.FAILED:
            pytest.fail(_account(runs), pytrace=False)
        if decide(runs) is Decision.SKIPPED:
            pytest.skip(f"Disturbed, or short of exact, in each of {len(runs)} runs")


@pytest.fixture
def real_time(request: pytest.FixtureRequest) -> RealTime:
    """Accounts for the runs of this test, which the marker ``real_time`` is put on."""
    return account_of(request)


def account_of(request: pytest.FixtureRequest) -> RealTime:
    """Account for the runs of a test that needs no marker, because it only repeats what the machine disturbed."""
    return RealTime(request.node.nodeid, request.config.stash[CASES])


def pytest_configure(config: pytest.Config) -> None:
    config.stash[CASES] = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask for the fixture, before others select by the marker."""
    for item in items:
        if "real_time" in getattr(item, "fixturenames", ()):
            item.add_marker("real_time")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: "xdist.workermanage.WorkerController") -> None:  # noqa: F821 - a hook of xdist's
    """Take over the cases of a worker that has ended."""
    of_worker = getattr(node, "workeroutput", {}).get(OF_WORKER, "[]")
    node.config.stash[CASES] += map(_case, json.loads(of_worker))


def pytest_sessionfinish(session: pytest.Session) -> None:
    cases = session.config.stash[CASES]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[OF_WORKER] = json.dumps([asdict(case) for case in cases])
    elif cases:
        _json_path(session.config).write_text(json.dumps(as_json(cases), indent=2) + "\n", encoding="utf-8")
        if session.exitstatus == pytest.ExitCode.OK and any(breaches(cases)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    cases = config.stash[CASES]
    if not cases:
        return
    terminalreporter.section("real time")
    for line in summary_lines(cases):
        terminalreporter.line(line)
    for breach in breaches(cases):
        terminalreporter.line(f"The bar is missed: {breach}", red=True)
    terminalreporter.line(f"Every case that was not exact at once is in {_json_path(config)}")


def summary_lines(cases: Sequence[Case]) -> Iterator[str]:
    """The counts, and each case that was false or skipped."""
    for group, of_group in by_group(cases).items():
        yield f"{', '.join(filter(None, group))}: {_counts(of_group)}"
    yield f"together: {_counts(cases)}"
    for case in cases:
        yield from (f"false: {case.name}: {run.reason}" for run in case.runs if run.outcome is Outcome.FALSE)
        if case.is_skipped:
            yield f"skipped: {case.name}"


def as_json(cases: Sequence[Case]) -> dict[str, object]:
    """What the file says: the counts, and the runs of each case that was not exact at once."""
    groups = [
        {"python": python, "loop": loop, "engine": engine, **totals(of_group)}
        for (python, loop, engine), of_group in by_group(cases).items()
    ]
    others = [asdict(case) for case in cases if case.count(Outcome.EXACT) != len(case.runs)]
    return {"totals": totals(cases), "missed": list(breaches(cases)), "groups": groups, "not_exact": others}


def _counts(cases: Sequence[Case]) -> str:
    counts = totals(cases)
    outcomes = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
    return f"{counts['cases']} cases ({counts['skipped']} skipped) in {counts['runs']} runs: {outcomes}"


def _account(runs: Sequence[Run]) -> str:
    return "\n".join(f"{run.outcome}: {run.reason}" for run in runs)


def _case(fields: dict[str, object]) -> Case:
    runs = tuple(Run(Outcome(run["outcome"]), run["reason"]) for run in fields.pop("runs"))
    return Case(**fields, runs=runs)


def _json_path(config: pytest.Config) -> Path:
    """`make test` has two sessions, in parallel and one by one: neither may overwrite what the other counted."""
    lane = "-parallel" if config.getoption("numprocesses", None) else ""
    return Path(os.environ.get(JSON_PATH) or config.rootpath / f".real-time-{PYTHON}{lane}.json")
