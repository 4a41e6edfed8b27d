"""Every case of the catalogue, on every loop, in the main thread and in another: what is found and what is told.

Not part of ``make test``, but of ``make catalogue``: sizes and shares of time decide, so it wants a quiet machine.
"""

import re

import pytest

from loopwatch import watch
from loopwatch.detection import monitor
from tests.detection.catalogue.case import OWN_FUNCTION, Case
from tests.detection.catalogue.run import CASES, LOOPS, run_case

pytestmark = pytest.mark.catalogue

THRESHOLD_MS = 30.0
ALLOWANCE_MS = 2.0
"""What a step may hold besides what its case measures."""
CLEARLY_A_STALL_MS = 2 * THRESHOLD_MS
PLUMBING = re.compile(r"(_?asyncio|asgiref|_?contextvars|selectors|loopwatch|uvloop|concurrent\.futures\.thread)\b")

RUNS = [
    pytest.param(case, loop, thread, id=f"{case.name}-{loop}-{thread}")
    for case in CASES
    for loop in case.loops
    if loop in LOOPS
    for thread in case.threads
]


@pytest.fixture(autouse=True)
def no_memory(monkeypatch):
    """What one case has taught the monitor is not to help the next."""
    monkeypatch.setattr(monitor, "_monitor", monitor.Monitor())


@pytest.mark.parametrize(("case", "loop", "thread"), RUNS)
def test_catalogue(case, loop, thread):
    watcher = watch(threshold_ms=THRESHOLD_MS)
    truth = run_case(case, watcher, loop, thread)
    if case.expected is None:
        assert [str(call) for call in watcher.calls] == []
        assert all(call.cause.is_machine for call in watcher.disturbances)
    else:
        assert [str(call) for call in watcher.disturbances] == []
        assert len(watcher.calls) == len(truth.durations_ms), [str(call) for call in watcher.calls]
        for number, (call, truth_ms) in enumerate(zip(watcher.calls, truth.durations_ms, strict=True)):
            assert truth_ms >= CLEARLY_A_STALL_MS, "The case is too quick to tell anything"
            check_report(call, case, number, truth_ms)


def check_report(call, case: Case, number, truth_ms):
    expected = case.expected
    own = case.own_function if expected.where else call.method_name
    culprits = [own if culprit == OWN_FUNCTION else culprit for culprit in expected.culprits]
    assert call.method_name in culprits
    assert not PLUMBING.match(call.method_name)
    assert not any(PLUMBING.match(name) for name in (call.called_name, call.leaf_name, call.function))
    tolerance_ms = max(1.0, 0.02 * truth_ms)
    assert truth_ms - tolerance_ms <= call.step_ms <= truth_ms + tolerance_ms + ALLOWANCE_MS
    assert call.duration_ms <= call.step_ms + 0.001
    assert call.cause == expected.cause
    if expected.exact is not None:
        assert call.exact is expected.exact
    if expected.is_c is not None:
        assert call.is_c_call is expected.is_c
    if expected.tasks is not None:
        assert call.task_name == expected.tasks[min(number, len(expected.tasks) - 1)]
    assert call.function == own
    assert not call.ongoing
    if expected.where:
        check_line(call, case)
    named = {contribution.name for contribution in call.contributions}
    assert named.issuperset(own if name == OWN_FUNCTION else name for name in expected.contributions)


def check_line(call, case: Case):
    lines = case.lines(marked=call.exact and not case.expected.is_anywhere)
    assert call.filename == case.filename
    assert call.lineno in lines, f"{call.lineno}: {call.source}"
    assert call.source
    assert "".join(call.source.split()) in "".join("".join(lines.values()).split())
