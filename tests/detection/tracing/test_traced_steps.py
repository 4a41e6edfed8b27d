"""A trace has the CPU clocks, the calls and the frames of one step."""

import sys
from types import FunctionType

import pytest
from django.template import Context, Engine

from loopwatch.detection.tracing import step_trace
from loopwatch.detection.tracing.step_trace import StepTrace, sites_of
from loopwatch.detection.tracing.timing_budget import TimingBudget
from tests.detection.tracing.ending_calls import STEP, Clock, also_calls, another, calls, one_line, own_s, run_step


def times(trace):
    return [each.at for each in trace.trace(STEP, is_over=True).readings]


def test_the_cpu_clocks_are_read_as_the_step_begins_and_then_once_a_millisecond(trace, clock, ends):
    for clock.at in (10.5, 10.5005, 10.50125, 10.50175, 11.0):
        run_step(one_line, ends(len, clock.at - 0.5, clock.at))
    assert times(trace) == [10.0, 10.5, 10.50125, 11.0]


def test_the_cpu_clocks_are_read_at_the_first_call_even_if_it_ends_early(trace, clock, ends):
    trace.worthwhile_s = 0.0
    for clock.at in (10.0005, 10.0006):
        run_step(one_line, ends(len, 10.0, clock.at))
    assert times(trace) == [10.0, 10.0005]


def test_the_cpu_clocks_are_read_a_limited_number_of_times(trace, clock, ends, monkeypatch):
    monkeypatch.setattr(step_trace, "MAX_READINGS", 3)
    for clock.at in (11.0, 12.0, 13.0):
        run_step(one_line, ends(len, 10.0, clock.at))
    assert times(trace) == [10.0, 11.0, 12.0]


def test_a_new_trace_is_open():
    assert StepTrace(Clock()).is_open


def test_nothing_is_known_about_another_step(trace):
    assert trace.trace(STEP + 1, is_over=True) is None


def test_what_is_known_of_a_step_that_goes_on_stays_as_it_was(trace, ends):
    run_step(one_line, ends(len, 11.0, 12.0))
    run_step(another, ends(None, 11.0, 12.125))
    so_far = trace.trace(STEP, is_over=False)
    run_step(one_line, ends(len, 13.0, 14.0))
    run_step(another, ends(sorted, 11.0, 14.125))
    run_step(another, ends(None, 13.0, 14.125))
    (call,) = so_far.calls
    assert (call.count, call.inside, so_far.counts) == (1, [], {id(another.__code__): 1})
    assert [each.at for each in so_far.readings] == [STEP, STEP]


@pytest.mark.parametrize(
    ("function", "lasted_s"),
    [
        pytest.param(None, 1.0, id="kept and counted"),
        pytest.param(None, 0.125, id="only counted"),
        pytest.param(len, 1.0, id="only kept"),
    ],
)
def test_the_next_step_begins_with_nothing_and_leaves_what_is_known_as_it_was(function, lasted_s, trace, ends):
    run_step(one_line, ends(function, 11.0, 11.0 + lasted_s))
    known = trace.trace(STEP, is_over=True)
    before = len(known.calls), dict(known.counts)
    trace.begin(20.0)
    run_step(another, ends(None, 21.0, 22.0))
    assert (len(known.calls), known.counts) == before
    following = trace.trace(20.0, is_over=True)
    assert len(following.calls) == 1
    assert following.counts == {id(another.__code__): 1}


def test_calls_of_the_step_before_are_no_part_of_the_next_one_s(trace, ends, kept):
    run_step(one_line, ends(len, 11.0, 12.0))
    trace.begin(STEP)
    run_step(one_line, ends(None, 10.5, 13.0))
    assert own_s(kept()) == [("", 2.5)]


def test_calls_going_on_that_are_dropped_are_active_no_more(trace):
    budgets = [TimingBudget(), TimingBudget()]
    for budget in budgets:
        budget.active = 2
        trace.stack.append((budget, 11.0, None))
    trace.drop_calls()
    assert [budget.active for budget in budgets] == [1, 1]
    assert trace.stack == []


def test_the_frames_of_a_stack_end_where_the_step_begins():
    found = []
    run_step(calls, one_line, lambda frame: found.extend(sites_of(frame)))
    assert [site.code for site in found] == [one_line.__code__, calls.__code__]
    assert all(site.offset > 0 for site in found)


def test_a_frame_whose_module_has_no_name_is_kept_without():
    found = []
    FunctionType(one_line.__code__, {"sys": sys})(lambda frame: found.extend(sites_of(frame)))
    assert found[0].module == ""


def test_a_deep_stack_is_cut_off(monkeypatch):
    monkeypatch.setattr(step_trace, "MAX_FRAMES", 2)
    found = []
    run_step(also_calls, calls, one_line, lambda frame: found.extend(sites_of(frame)))
    assert [site.code for site in found] == [one_line.__code__, calls.__code__]


def test_a_template_of_django_is_known_by_its_line():
    found = []
    page = Engine().from_string("\n{{ book.author }}")
    page.render(Context({"book": {"author": lambda: one_line(lambda frame: found.extend(sites_of(frame)))}}))
    assert [site.template.lineno for site in found if site.template] == [2]
