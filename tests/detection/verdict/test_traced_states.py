"""Samples and CPU clocks tell what the thread was doing during a traced call."""

import pytest

from loopwatch.detection.calls import Cause
from loopwatch.detection.verdict.explanation import explain_by_trace
from tests.detection.builders import path, reading, trace, traced
from tests.detection.verdict.traced_shop import CHECKOUT, SLEEPING, SLEEPS, explained

WINDOWS = [
    pytest.param([(4.0, Cause.WAITING)], Cause.WAITING, id="as the sample around it says"),
    pytest.param([(2.0, Cause.WAITING), (2.0, Cause.COMPUTING)], Cause.WAITING, id="as the one it fell into says"),
    pytest.param(
        [(0.5, Cause.WAITING), (1.0, Cause.STARVED), (2.5, Cause.WAITING)], Cause.STARVED, id="as most of them say"
    ),
    pytest.param(
        [(2.0, Cause.STARVED), (2.0, Cause.WAITING), (4.0, Cause.STARVED)], Cause.STARVED, id="as none around it says"
    ),
    pytest.param([(0.75, Cause.STARVED)], Cause.COMPUTING, id="as the CPU clocks say, if it hardly was sampled"),
    pytest.param([(1.0, Cause.WAITING)], Cause.WAITING, id="as the sample says that covers half of it"),
]


@pytest.mark.parametrize(("samples", "state"), WINDOWS)
def test_the_state_of_a_traced_call_is(samples, state):
    call = traced([SLEEPS], 0.25, 1.75, name="time.sleep")
    sampled = [path([SLEEPING], weight_s, each) for weight_s, each in samples]
    assert explained([call], sampled, ended=1.75).paths[0].state is state


def test_samples_are_those_of_the_part():
    call = traced([SLEEPS], 3.0, 4.0, name="time.sleep")
    sampled = [path([SLEEPING], 1.0, Cause.WAITING), path([SLEEPING], 1.0, Cause.STARVED)]
    assert explained([call], sampled, started=2.0).paths[0].state is Cause.STARVED


def read(at, thread=0.0, others=0.0):
    """The CPU clocks so long after the traced call began."""
    return reading(4.0 + at, thread, others)


def test_a_sample_of_another_time_says_nothing_of_a_traced_call():
    call = traced([SLEEPS], 3.0, 4.0, name="time.sleep")
    assert explained([call], [path([CHECKOUT], 1.0), path([CHECKOUT], 1.0)]).paths[0].state is Cause.COMPUTING


CLOCKS = [
    pytest.param([], [], Cause.COMPUTING, id="computing, if none were read"),
    pytest.param([read(0.0)], [], Cause.COMPUTING, id="computing, if none were read after it"),
    pytest.param([], [read(2.0)], Cause.COMPUTING, id="computing, if none were read before it"),
    pytest.param([read(0.0, None)], [read(2.0)], Cause.COMPUTING, id="computing, if they did not tell before"),
    pytest.param([read(0.0)], [read(2.0, None)], Cause.COMPUTING, id="computing, if they did not tell after"),
    pytest.param([read(0.0)], [read(2.0, 2.0)], Cause.COMPUTING, id="computing, if it used all of it"),
    pytest.param([read(0.0)], [read(2.0, 0.0)], Cause.WAITING, id="waiting, if it used none of it"),
    pytest.param([read(0.0)], [read(2.0, 0.5)], Cause.COMPUTING, id="computing, if it used a quarter of it"),
    pytest.param([read(0.0)], [read(2.0, 0.375)], Cause.WAITING, id="waiting, if it used less than a fifth"),
    pytest.param([read(0.0)], [read(2.0, 0.0, 1.0)], Cause.STARVED, id="starved, if others used half of it"),
    pytest.param([read(0.0)], [read(2.0, 0.25, 1.0)], Cause.STARVED, id="starved, if it ran for less than a fifth"),
    pytest.param([read(0.0)], [read(2.0, 0.0, 0.75)], Cause.WAITING, id="waiting, if others used less"),
    pytest.param([read(0.0)], [read(2.0, 0.5, 1.0)], Cause.COMPUTING, id="computing, if others did so as well"),
    pytest.param([read(-1.0)], [read(3.0, 2.5)], Cause.COMPUTING, id="computing, if it used some of it at least"),
    pytest.param([read(-1.0)], [read(3.0, 1.0)], Cause.COMPUTING, id="computing, if it may have used half of it"),
    pytest.param(
        [read(-1.0)], [read(3.0, 0.625)], Cause.WAITING, id="waiting, if it may have used a third of it at most"
    ),
    pytest.param(
        [read(-1.0)], [read(3.0, 2.0, 1.0)], Cause.STARVED, id="starved, if it may have used all of it elsewhere"
    ),
    pytest.param(
        [read(-1.0), read(0.0, 1.0)],
        [read(2.0, 1.0), read(3.0, 2.0)],
        Cause.WAITING,
        id="as those nearest to it say",
    ),
]


@pytest.mark.parametrize(("before", "after", "state"), CLOCKS)
def test_by_the_cpu_clocks_a_traced_call_is(before, after, state):
    call = traced([SLEEPS], 4.0, 6.0, name="time.sleep")
    assert explained([call], started=4.0, ended=6.0, readings=[*after, *before]).paths[0].state is state


def test_the_cpu_clocks_are_those_of_the_trace_too():
    call = traced([SLEEPS], 0.0, 2.0, name="time.sleep")
    explanation = explain_by_trace(trace(call, readings=[reading(0.0)]), [], [reading(2.0)], 0.0, 2.0, ())
    assert explanation.paths[0].state is Cause.WAITING
