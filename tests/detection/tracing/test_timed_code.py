"""The timer gets the code that traced steps run, and keeps it until the code has proved quick."""

import asyncio
import sys

import pytest

from loopwatch.detection.tracing import timed_code
from loopwatch.detection.tracing.step_trace import StepTrace
from loopwatch.detection.tracing.timed_code import TimedCode
from tests.detection.builders import reading


class RecordingTimer:
    """Notes what it is asked to do."""

    def __init__(self):
        self.log = []

    def time(self, code):
        self.log.append(("time", code.co_name))

    def leave(self, code):
        self.log.append(("leave", code.co_name))


class Clock:
    threshold_s = 0.05

    def read_cpu(self):
        return reading(0.0)


def caller():
    """Calls ``callee``, as far as the budgets know."""


def callee():
    """Is called by ``caller``."""


@pytest.fixture
def timer():
    return RecordingTimer()


@pytest.fixture
def code(timer):
    return TimedCode(timer)


@pytest.fixture
def trace():
    return StepTrace(Clock())


def test_code_that_a_traced_step_runs_is_timed(code, timer):
    budget = code.discover(callee.__code__)
    assert timer.log == [("time", "callee")]
    assert budget.is_timed
    assert code.codes() == [callee.__code__]


def test_code_of_asyncio_is_never_timed(code, timer):
    assert code.discover(asyncio.sleep.__code__) is None
    assert timer.log == []


def test_code_that_proved_quick_runs_untimed(code, timer, trace):
    code.give_up(code.time(callee.__code__), trace)
    assert timer.log == [("time", "callee"), ("leave", "callee")]
    assert code.codes() == []


def test_code_that_proved_quick_is_timed_again_with_a_stall_of_its_caller(code, timer, trace):
    trace.stack.append((code.time(caller.__code__), 1, 0.0))
    code.give_up(code.time(callee.__code__), trace)
    timer.log.clear()
    code.time_again([caller.__code__])
    assert timer.log == [("leave", "caller"), ("time", "caller"), ("leave", "callee"), ("time", "callee")]


def test_finding_known_code_does_not_time_it_again(code, timer, trace):
    code.give_up(code.time(callee.__code__), trace)
    timer.log.clear()
    code.time_if_unknown(callee.__code__)
    assert timer.log == []


@pytest.mark.parametrize(("is_following", "log"), [(True, [("time", "callee")]), (False, [])])
def test_code_given_up_outside_of_traced_steps_is_forgotten_only_without_a_scout(code, timer, is_following, log):
    code.is_following = is_following
    code.give_up(code.time(callee.__code__), None)
    timer.log.clear()
    code.time_if_unknown(callee.__code__)
    assert timer.log == log


def test_beyond_the_limit_untimed_code_is_forgotten(code, timer, trace, monkeypatch):
    monkeypatch.setattr(timed_code, "MAX_CODES", 2)
    code.give_up(code.time(callee.__code__), trace)
    code.time(caller.__code__)
    code.time(Clock.read_cpu.__code__)
    assert list(code.budgets) == [id(caller.__code__), id(Clock.read_cpu.__code__)]


def test_the_stack_of_a_step_is_unknown_until_it_is_timed(code):
    (own, *callers) = code.unknown_on_stack(sys._getframe())
    assert own is sys._getframe().f_code
    code.time(own)
    assert code.unknown_on_stack(sys._getframe()) == callers
