"""What the benchmark of pauses says of a felt pause, by the reports of the same time."""

import pytest

from loopwatch.detection.calls import Cause
from tests.benchmarks.pauses.causes import PAUSES
from tests.benchmarks.pauses.judging import judge

BY_NAME = {pause.name: pause for pause in PAUSES}


def report(began, ended, **said):
    told = {"cause": "waiting", "called_name": "time.sleep", "source": "time.sleep(LASTS_S)", "exact": True}
    told |= {"holder": None, "holder_is_exact": False}
    return {"began": began, "ended": ended, **told, **said}


def judged(reports, made="wait"):
    (found,) = judge([(10.0, 11.0)], reports, BY_NAME[made])
    return found


@pytest.mark.parametrize(
    ("reports", "is_reported"),
    [
        pytest.param([], False, id="without reports"),
        pytest.param([report(10.0, 10.4)], False, id="with a report of less than half of it"),
        pytest.param([report(9.0, 10.6)], True, id="with a report of more than half of it"),
        pytest.param([report(10.0, 10.3), report(10.4, 10.7)], True, id="with reports that cover half of it together"),
        pytest.param([report(11.0, 12.0)], False, id="with a report of what followed"),
    ],
)
def test_a_felt_pause(reports, is_reported):
    assert judged(reports).is_reported is is_reported


def test_the_report_that_covers_most_of_a_pause_says_who_made_it():
    both = [report(10.0, 10.3, cause="computing"), report(10.3, 11.0)]
    assert judged(both).is_cause_right


@pytest.mark.parametrize(
    ("said", "is_right"),
    [
        ({}, True),
        ({"called_name": "print"}, False),
        ({"source": "time.sleep(0)"}, False),
        ({"called_name": "print", "exact": False}, None),
        ({"cause": "suspended", "called_name": "print"}, None),
    ],
)
def test_a_call_is_right_if_it_is_exact_and_made_the_pause(said, is_right):
    assert judged([report(10.0, 11.0, **said)]).is_call_right is is_right


HOLDER = {
    "function": "tests.benchmarks.pauses.causes.encode",
    "called_name": "json.dumps",
    "source": "json.dumps(ROWS)",
}


@pytest.mark.parametrize(
    ("said", "is_right"),
    [
        ({"holder": HOLDER, "holder_is_exact": True}, True),
        ({"holder": HOLDER | {"called_name": "print"}, "holder_is_exact": True}, False),
        ({"holder": HOLDER | {"source": "json.dumps({})"}, "holder_is_exact": True}, False),
        ({"holder": HOLDER | {"called_name": "print"}}, None),
        ({}, None),
    ],
)
def test_a_holder_is_right_if_it_is_certain_and_kept_the_gil(said, is_right):
    starved = report(10.0, 11.0, cause=Cause.STARVED, **said)
    assert judged([starved], made="let_thread_call_c").is_holder_right is is_right


def test_a_call_that_is_blamed_for_what_a_thread_did_is_wrong():
    assert judged([report(10.0, 11.0)], made="let_thread_call_c").is_call_right is False
