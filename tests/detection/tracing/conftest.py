"""Fixtures for traces of steps whose calls end where a test says."""

import pytest

from loopwatch.detection.tracing import step_trace
from loopwatch.detection.tracing.step_trace import StepTrace
from tests.detection.tracing.ending_calls import STEP, Clock

WORTHWHILE_S = 0.25


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def trace(clock, caplog, monkeypatch):
    monkeypatch.setattr(step_trace, "now", lambda: STEP)  # recording a call takes no time
    trace = StepTrace(clock)
    trace.worthwhile_s = WORTHWHILE_S
    trace.begin(STEP)
    yield trace
    assert caplog.get_records("call") == []


@pytest.fixture
def ends(trace):
    """Where it is called, a call ends: of the given C function, or else of the Python function that stands there."""

    def ends(function, started, ended, parent=None):
        return lambda frame: trace.call_ended(frame, function, started, ended, parent)

    return ends


@pytest.fixture
def kept(trace):
    """The calls that are kept so far."""
    return lambda: trace.trace(STEP, is_over=True).calls
