"""Accounts for every test with one of the markers that does not take runs from the fixture: its run is the test.

A test that passes was exact. One that fails was false if the machine was quiet, and disturbed if it was not; it is run
again, fixtures included, until the bar decides. Ten failures without a pass are the test's own, on any machine.
"""

import os
from collections.abc import Sequence

import pytest
from _pytest.runner import runtestprotocol

from tests.support.real_time import CASES, PYTHON
from tests.support.real_time_bar import Case, Decision, Outcome, Run, decide
from tests.support.witness import Witness, pressure_s

MARKERS = ("real_time", "real_stall")
MOST_FAILURES = 10
QUIET_S = 0.02
"""For so long some process of the machine may have waited for a CPU during a test that counts as undisturbed."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not any(map(item.get_closest_marker, MARKERS)) or "real_time" in getattr(item, "fixturenames", ()):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runs: list[Run] = []
    while True:
        reports, run = _run(item, nextitem)
        if run is None:
            break
        runs.append(run)
        if decide(runs) is not Decision.RUN_AGAIN or has_failed_for_good(runs):
            break
    if runs:
        item.config.stash[CASES].append(Case(item.nodeid, PYTHON, "", "", tuple(runs)))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def has_failed_for_good(runs: Sequence[Run]) -> bool:
    """Whether the test has failed often, and passed never."""
    return len(runs) >= MOST_FAILURES and not any(run.outcome is Outcome.EXACT for run in runs)


def _run(item: pytest.Item, nextitem: pytest.Item | None) -> tuple[list[pytest.TestReport], Run | None]:
    """Run the test once; without a ``Run`` where nothing was measured."""
    pressure_before_s = pressure_s()
    with Witness(os.getpid()) as witness:
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    others_waited_s = pressure_s() - pressure_before_s
    if not all(report.passed for report in reports if report.when == "setup") or any(map(_is_unmeasured, reports)):
        return reports, None
    failed = [report for report in reports if report.failed]
    if not failed:
        return reports, Run(Outcome.EXACT)
    is_disturbed = witness.saw_disturbance or others_waited_s > QUIET_S
    return reports, Run(Outcome.DISTURBED if is_disturbed else Outcome.FALSE, _last_line(failed[0]))


def _is_unmeasured(report: pytest.TestReport) -> bool:
    return report.skipped or hasattr(report, "wasxfail")


def _last_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message if crash else report.longreprtext.strip().rpartition("\n")[2]
