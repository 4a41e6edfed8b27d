"""The catalogue's judge: what it calls false, what it forgives, and how it compares the names other tools give."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loopwatch.detection.calls import BlockingCall, Cause
from tests.detection.catalogue.case import Blocked, Truth
from tests.detection.catalogue.matrix.comparison import Told, means, score
from tests.detection.catalogue.run import CASES, Run
from tests.detection.catalogue.verdict import judge

STARTED_AT = 1_700_000_000.0
CASE = next(case for case in CASES if case.name == "waiting.sleep")
SILENT = next(case for case in CASES if case.name == "silence.idle_loop")
LINE, SOURCE = next(iter(CASE.lines(marked=True).items()))
RIGHT = BlockingCall(
    stall_id="1",
    method_name="time.sleep",
    duration_ms=110.0,
    is_c_call=True,
    filename=CASE.filename,
    lineno=LINE,
    source=SOURCE.partition("#")[0].strip(),
    function=CASE.own_function,
    stack=(),
    step_ms=110.2,
    task_name="the case",
    engine="sampling",
    started_at=datetime.fromtimestamp(STARTED_AT, UTC),
    exact=True,
    cause=Cause.WAITING,
    called_name="time.sleep",
    leaf_name="time.sleep",
)
UNCERTAIN = replace(RIGHT, exact=False, method_name=CASE.own_function, is_c_call=False, lineno=LINE - 2, source="def ")


def run(*durations_ms, waited_for_cpu_s=0.0):
    truth = Truth()
    truth.blocked = [Blocked(STARTED_AT, duration_ms, is_in_step=True) for duration_ms in durations_ms]
    return Run(truth, waited_for_cpu_s)


def test_a_right_report():
    verdict = judge(CASE, run(110.0), [RIGHT], [])
    assert (verdict.wrong, verdict.short, verdict.counts) == ((), (), True)


@pytest.mark.parametrize(
    "false",
    [
        {"method_name": "time.monotonic"},
        {"method_name": "time.monotonic", "exact": False},
        {"called_name": "asyncio.events.Handle._run"},
        {"leaf_name": "loopwatch.detection.monitor.watch"},
        {"function": "tests.detection.catalogue.waiting.back_off"},
        {"cause": Cause.COMPUTING},
        {"cause": Cause.STARVED},
        {"is_c_call": False},
        {"task_name": "another"},
        {"filename": "/elsewhere.py"},
        {"lineno": LINE + 1},
        {"source": "time.monotonic()"},
        {"source": ""},
        {"step_ms": 100.0, "duration_ms": 100.0},
        {"duration_ms": 120.0},
        {"ongoing": True},
    ],
    ids=str,
)
def test_a_false_report(false):
    assert judge(CASE, run(110.0), [replace(RIGHT, **false)], []).wrong


def test_a_report_that_leaves_a_doubt_is_true_but_short():
    verdict = judge(CASE, run(110.0), [UNCERTAIN], [])
    assert verdict.wrong == ()
    assert verdict.short


def test_a_step_that_is_told_too_long_is_short():
    assert judge(CASE, run(110.0), [replace(RIGHT, step_ms=120.0)], []).short


@pytest.mark.parametrize("calls", [[], [RIGHT, RIGHT]], ids=["none", "two"])
def test_a_stall_with_none_or_two_reports_is_false(calls):
    assert judge(CASE, run(110.0), calls, []).wrong


def test_a_stall_is_the_machines_doing_only_if_the_machine_did_something():
    starved = replace(RIGHT, cause=Cause.STARVED)
    assert judge(CASE, run(110.0), [], [starved]).wrong
    verdict = judge(CASE, run(110.0, waited_for_cpu_s=0.1), [], [starved])
    assert (verdict.wrong, verdict.counts) == ((), False)
    assert verdict.short


def test_silence():
    assert judge(SILENT, run(), [], []).wrong == ()
    assert judge(SILENT, run(), [RIGHT], []).wrong
    assert judge(SILENT, run(), [], [replace(RIGHT, cause=Cause.SUSPENDED)]).wrong == ()


def test_a_run_that_was_too_quick_or_disturbed_does_not_count():
    assert not judge(CASE, run(10.0), [], []).counts
    assert not judge(CASE, run(900.0), [RIGHT], []).counts
    assert not judge(CASE, run(110.0, waited_for_cpu_s=0.1), [RIGHT], []).counts


@pytest.mark.parametrize(
    ("name", "culprit", "is_meant"),
    [
        ("time.sleep", "time.sleep", True),
        ("sleep", "time.sleep", True),
        ("waiting.sleep", "time.sleep", False),
        ("builtin.sorted", "sorted", True),
        ("_thread.lock.acquire", "threading.Lock.acquire", True),
        ("request.urlopen", "urllib.request.urlopen", True),
        ("sqlite3.connect", "sqlite3.Connection.execute", False),
        ("builtin.Context.run", "time.sleep", False),
        ("catalogue.roads.block", "tests.detection.catalogue.roads.block", True),
    ],
)
def test_names_are_compared_generously(name, culprit, is_meant):
    assert means(name, culprit) is is_meant


def test_score_of_what_a_tool_told():
    told = Told(frozenset(["time.sleep"]), frozenset([(CASE.filename, LINE)]), 110.5, STARTED_AT + 0.11)
    right = score(CASE, run(110.0), [told])
    assert (right.found, right.once, right.named, right.located, right.timed, right.unfounded) == (1, 1, 1, 1, 1, 0)
    twice = score(CASE, run(110.0), [told, replace(told, duration_ms=80.0, names=frozenset(["idle"]))])
    assert (twice.found, twice.once, twice.named, twice.timed) == (1, 0, 1, 1)
    late = score(CASE, run(110.0), [replace(told, told_at=STARTED_AT + 5)])
    assert (late.found, late.unfounded) == (0, 1)
    assert score(SILENT, run(), [told]).unfounded == 1
