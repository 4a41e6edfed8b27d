"""A trace keeps the calls of a step that take long, and leaves the time of the others to their callers."""

import time
from itertools import count

import pytest

from loopwatch.detection import monitor, watcher
from loopwatch.detection.tracing import step_trace, switch
from loopwatch.detection.tracing.step_trace import StepTrace, worthwhile_s
from tests.detection.tracing.ending_calls import (
    STEP,
    Written,
    also_calls,
    another,
    calls,
    of_module,
    one_line,
    own_s,
    run_step,
    suspended,
    two_lines,
)


@pytest.mark.parametrize(
    ("threshold_s", "seconds"),
    [
        pytest.param(0.002, 0.0002, id="from a tenth of the threshold on"),
        pytest.param(0.00001, 0.0001, id="not if looking would cost as much"),
        pytest.param(5.0, 0.0003, id="if they matter, even if the threshold is high"),
    ],
)
def test_calls_are_looked_at(threshold_s, seconds):
    assert worthwhile_s(threshold_s) == seconds


def test_the_loops_threshold_decides_which_calls_are_looked_at(clock):
    assert StepTrace(clock).worthwhile_s == worthwhile_s(clock.threshold_s)


def test_a_python_function_is_kept_with_its_own_frame_and_those_around_it(ends, kept):
    run_step(calls, one_line, ends(None, 11.0, 13.0))
    (call,) = kept()
    assert (call.name, call.started, call.ended, call.own_s, call.total_s, call.count) == ("", 11.0, 13.0, 2.0, 2.0, 1)
    assert [(site.code, site.module) for site in call.sites] == [
        (one_line.__code__, one_line.__module__),
        (calls.__code__, calls.__module__),
    ]
    assert call.inside == []


def test_a_c_function_is_kept_with_its_callers_frame_and_those_around_it(ends, kept):
    run_step(calls, one_line, ends(time.sleep, 11.0, 13.0))
    (call,) = kept()
    assert call.name == "time.sleep"
    assert [site.code for site in call.sites] == [one_line.__code__, calls.__code__]


@pytest.mark.parametrize(
    ("lasted_s", "names"),
    [pytest.param(0.25, ["len"], id="long enough"), pytest.param(0.125, [], id="not long enough")],
)
def test_a_call_is_kept_if_it_took(lasted_s, names, ends, kept):
    run_step(one_line, ends(len, 11.0, 11.0 + lasted_s))
    assert [call.name for call in kept()] == names


def test_the_time_of_a_call_that_is_kept_is_not_its_callers_own(ends, kept):
    run_step(one_line, ends(time.sleep, 12.0, 13.0))
    run_step(one_line, ends(None, 11.0, 14.0))
    assert own_s(kept()) == [("time.sleep", 1.0), ("", 2.0)]
    assert kept()[1].total_s == 3.0


def test_the_time_that_recording_a_call_took_is_not_its_callers_own(ends, kept, monkeypatch):
    monkeypatch.setattr(step_trace, "now", count(20.0).__next__)  # a second passes between two looks at the clock
    run_step(one_line, ends(time.sleep, 12.0, 13.0))
    run_step(one_line, ends(None, 11.0, 14.0))
    assert own_s(kept()) == [("time.sleep", 1.0), ("", 1.0)]


def test_the_time_of_a_call_that_is_kept_is_not_that_of_callers_further_out(ends, kept):
    run_step(one_line, ends(time.sleep, 12.0, 13.0))
    run_step(one_line, ends(None, 12.0, 13.125))
    run_step(another, ends(None, 11.0, 14.0))
    assert own_s(kept()) == [("time.sleep", 1.0), ("", 2.0)]


def test_a_caller_has_all_of_the_calls_that_it_made_and_none_before(ends, kept):
    for started in (11.0, 12.0, 13.0):
        run_step(one_line, ends(time.sleep, started, started + 0.5))
    run_step(one_line, ends(None, 12.0, 14.0))
    run_step(another, ends(None, 10.5, 14.5))
    assert own_s(kept()) == [("time.sleep", 1.5), ("", 1.0), ("", 1.5)]


def test_the_time_of_a_call_too_quick_to_be_kept_is_its_callers_own(ends, kept):
    run_step(one_line, ends(time.sleep, 12.0, 12.125))
    run_step(one_line, ends(None, 11.0, 14.0))
    assert own_s(kept()) == [("", 3.0)]


def test_the_time_of_a_class_written_in_python_is_left_to_the_frames_it_runs(ends, kept):
    run_step(one_line, ends(Written, 12.0, 13.0))
    run_step(one_line, ends(None, 11.0, 14.0))
    assert own_s(kept()) == [("", 3.0)]


def test_calls_alike_are_added_up(ends, kept):
    for started, ended in ((11.0, 12.0), (13.0, 13.5)):
        run_step(one_line, ends(time.sleep, started, ended, 5.0))
    (call,) = kept()
    assert (call.started, call.ended, call.own_s, call.total_s, call.count) == (11.0, 13.5, 1.5, 1.5, 2)


def test_the_total_times_of_calls_alike_are_added_up(ends, kept):
    for started in (11.0, 14.0):
        run_step(one_line, ends(time.sleep, started + 0.5, started + 1.0))
        run_step(one_line, ends(None, started, started + 2.0))
    _, call = kept()
    assert (call.own_s, call.total_s) == (3.0, 4.0)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(lambda first, second: run_step(two_lines, first(len), second(len)), id="lines"),
        pytest.param(
            lambda first, second: [
                run_step(one_line, end(len, parent)) for end, parent in ((first, 5.0), (second, 6.0))
            ],
            id="calls around them",
        ),
        pytest.param(
            lambda first, second: [run_step(one_line, first(len)), run_step(one_line, second(abs))], id="C functions"
        ),
        pytest.param(
            lambda first, second: [
                run_step(calls, one_line, first(None)),
                run_step(also_calls, one_line, second(None)),
            ],
            id="callers",
        ),
        pytest.param(
            lambda first, second: [run_step(calls, one_line, first(None)), run_step(calls, another, second(None))],
            id="Python functions",
        ),
    ],
)
def test_calls_are_kept_separately_if_they_differ_in_their(run, ends, kept):
    run(
        lambda function, parent=None: ends(function, 11.0, 12.0, parent),
        lambda function, parent=None: ends(function, 12.0, 13.0, parent),
    )
    assert [call.count for call in kept()] == [1, 1]


def test_a_function_that_no_other_called_is_kept(trace, kept):
    generator = suspended()
    trace.call_ended(generator.gi_frame, None, 11.0, 12.0)
    assert [[site.code for site in call.sites] for call in kept()] == [[generator.gi_code]]


def test_slow_calls_of_python_functions_are_counted_whether_or_not_they_are_kept(trace, ends):
    run_step(one_line, ends(None, 11.0, 11.125))
    run_step(one_line, ends(None, 12.0, 13.0))
    run_step(another, ends(time.sleep, 14.0, 15.0))
    assert trace.trace(STEP, is_over=True).counts == {id(one_line.__code__): 2}


def callers_of(call):
    return [(code, name) for code, _, name in call.inside]


def test_a_call_that_is_kept_knows_the_c_function_that_called_back_to_it(ends, kept):
    run_step(one_line, ends(time.sleep, 11.0, 12.0))
    run_step(one_line, ends(len, 13.0, 14.0))
    run_step(another, ends(sorted, 12.9375, 14.125))
    before, inside = kept()
    assert callers_of(before) == []
    assert callers_of(inside) == [(another.__code__, "sorted")]


@pytest.mark.parametrize("runs_text", [exec, eval])
def test_text_that_is_run_counts_as_its_callers_code(runs_text, ends, kept):
    run_step(one_line, ends(time.sleep, 11.0, 13.0))
    run_step(another, ends(runs_text, 10.9375, 13.0))
    (call,) = kept()
    assert callers_of(call) == []


def test_a_call_that_is_kept_knows_where_the_c_function_around_it_was_called(ends, kept):
    lines = []
    run_step(one_line, ends(len, 13.0, 14.0))
    run_step(two_lines, lambda frame: lines.append(frame.f_lasti), ends(sorted, 12.5, 14.125))
    ((_, offset, _),) = kept()[0].inside
    assert offset > lines[0]


def test_calls_that_ended_just_as_a_c_function_began_are_not_left_out(ends, kept):
    run_step(one_line, ends(len, 11.0, 11.5))
    run_step(one_line, ends(abs, 11.5, 12.0))
    run_step(another, ends(sorted, 11.5, 12.0625))
    assert [callers_of(call) for call in kept()] == [[(another.__code__, "sorted")]] * 2


def test_a_c_function_that_called_back_nothing_that_is_kept_is_known_nowhere(ends, kept):
    run_step(one_line, ends(len, 11.0, 12.0))
    run_step(one_line, ends(sorted, 12.0, 12.125))
    assert [callers_of(call) for call in kept()] == [[]]


@pytest.mark.parametrize(
    "function", [pytest.param(None, id="a Python function"), pytest.param(Written, id="a class written in Python")]
)
def test_what_has_its_own_frames_is_not_known_to_call_back(function, ends, kept):
    run_step(one_line, ends(len, 11.0, 12.0))
    run_step(another, ends(function, 10.9375, 12.125))
    assert [callers_of(call) for call in kept()] == [[]]


def test_beyond_the_limit_calls_are_left_to_their_callers(ends, kept, monkeypatch):
    monkeypatch.setattr(step_trace, "MAX_CALLS", 1)
    run_step(one_line, ends(None, 11.0, 12.0))
    run_step(another, ends(len, 13.25, 13.75))
    run_step(one_line, ends(None, 13.0, 14.0))
    assert own_s(kept()) == [("", 2.0)]


def test_calls_that_the_loop_makes_to_run_the_step_are_not_kept(ends, kept):
    of_module("asyncio.events", "_run", one_line)(ends(time.sleep, 12.0, 13.0))
    run_step(one_line, ends(None, 11.0, 14.0))
    assert own_s(kept()) == [("", 3.0)]


@pytest.mark.parametrize("module", [each.__name__ for each in (monitor, switch, watcher)])
def test_what_loopwatch_does_itself_is_neither_kept_nor_its_callers_time(module, ends, kept):
    run_step(of_module(module, "start", one_line), ends(time.sleep, 12.0, 13.0))
    run_step(one_line, ends(None, 11.0, 14.0))
    assert own_s(kept()) == [("", 2.0)]


def test_a_failure_stays_inside_and_is_logged_once(trace, caplog):
    for _ in range(3):
        trace.call_ended(None, None, 11.0, 12.0)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info[0] is AttributeError
    caplog.clear()
