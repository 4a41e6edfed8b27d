"""A stall, and what its time went to, become a report."""

import json
import linecache

import django.template.base as templates
import pytest
from django.utils import html

from loopwatch.detection.calls import Contribution, OtherPlace, Request, StackFrame
from loopwatch.detection.machine.clock import NEVER
from loopwatch.detection.timing.in_flight import InFlight, RequestInFlight
from loopwatch.detection.verdict import blocking_call as report
from loopwatch.detection.verdict import contributions, culprit
from loopwatch.detection.verdict.culprit import line_of
from loopwatch.detection.verdict.frameworks import calls_view
from tests.detection import shop
from tests.detection.builders import STARTED_AT, Step, observation, own_ms, path, reported, site, stall

CHECKOUT = site(shop.checkout, "add_up(cart)")
SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
DUMPS_FROM = site(shop.checkout, "json.dumps(total)")
SLEEPS_THERE = site(shop.checkout, "json.dumps(total)", "time.sleep")
PRICE = site(shop.price, "item.parts")
POPS = site(shop.price, "item.parts.pop()", "list.pop")
DUMPS = site(json.dumps)
ENCODE = site(json.JSONEncoder.encode, callee="json.JSONEncoder.iterencode")
RENDER = site(templates.Template.render)
ESCAPE = site(html.escape)


def line(call):
    """What stands in the line that a report names."""
    return linecache.getline(call.filename, call.lineno).strip()


def lineno_of(site):
    return line_of(path([site]).nodes[0])


# The culprit, and where it was.


def test_a_call_of_the_users_own_function_is_reported_with_its_expression():
    call = reported(path([SLEEPS], 0.75), path([CHECKOUT], 0.25))
    assert (call.method_name, call.called_name, call.leaf_name, call.is_c_call) == (*["time.sleep"] * 3, True)
    assert (call.function, call.filename, call.source) == ("shop.checkout", shop.__file__, "time.sleep(total)")
    assert line(call) == "time.sleep(total)"
    assert (call.duration_ms, call.step_ms, call.exact) == (750.0, 1000.0, True)


def test_a_library_is_reported_by_what_the_user_called_and_by_what_that_came_to():
    call = reported(path([ENCODE, DUMPS, DUMPS_FROM]))
    assert (call.method_name, call.called_name, call.is_c_call) == ("json.dumps", "json.dumps", False)
    assert call.leaf_name == "json.JSONEncoder.iterencode"
    assert (call.function, call.source) == ("shop.checkout", "json.dumps(total)")


def test_the_culprit_need_not_be_of_the_library_that_the_user_called():
    call = reported(path([DUMPS, RENDER, CHECKOUT], 0.75), path([RENDER, CHECKOUT], 0.25))
    assert (call.method_name, call.called_name) == ("json.dumps", "django.template.Template.render")


def test_a_function_of_the_users_own_is_reported_with_the_whole_line():
    call = reported(path([site(shop.price, "0"), CHECKOUT]))
    assert (call.method_name, call.called_name, call.leaf_name, call.function) == ("shop.price",) * 4
    assert (call.source, line(call)) == ("total = 0",) * 2


def test_where_no_function_is_the_users_own_the_outermost_stands_for_it():
    call = reported(path([DUMPS, RENDER]))
    assert (call.method_name, call.called_name) == ("json.dumps", "json.dumps")
    assert (call.function, call.filename) == ("django.template.Template.render", templates.__file__)


def test_the_line_is_the_one_that_had_most_of_the_time():
    call = reported(path([SLEEPS], 0.375), path([SLEEPS_THERE], 0.625))
    assert (call.method_name, call.duration_ms, call.source) == ("time.sleep", 1000.0, "json.dumps(total)")


def test_a_culprit_that_is_not_certain_is_not_exact():
    assert not reported(path([SLEEPS], is_exact=False)).exact


def test_the_time_of_a_part_of_a_step_is_reported():
    call = reported(path([SLEEPS], 0.75), started=0.25)
    assert (call.step_ms, call.duration_ms, call.started_at) == (750.0, 750.0, STARTED_AT)


def test_the_stack_is_outermost_first_and_says_which_functions_are_the_users():
    assert [(frame.name, frame.is_in_app) for frame in reported(path([ENCODE, DUMPS, DUMPS_FROM])).stack] == [
        ("shop.checkout", True),
        ("json.dumps", False),
        ("json.encoder.JSONEncoder.encode", False),
    ]


def test_a_frame_of_the_stack_spans_its_expression():
    call = reported(path([SLEEPS]))
    assert call.stack == (
        StackFrame(shop.__file__, "shop", "checkout", call.lineno, call.lineno, 4, len("    time.sleep(total)"), True),
    )


# What else the time went to.


def test_contributions_are_named_by_where_a_library_was_entered_and_the_heaviest_is_first():
    call = reported(path([SLEEPS], 0.25), path([ENCODE, DUMPS, DUMPS_FROM], 0.5), path([POPS], 0.125), path([], 0.125))
    assert own_ms(call) == [("json.dumps", 500.0), ("time.sleep", 250.0), ("list.pop", 125.0)]


def test_contributions_of_one_name_are_added_up():
    call = reported(path([SLEEPS], 0.25), path([CHECKOUT], 0.25), path([SLEEPS], 0.5))
    assert own_ms(call) == [("time.sleep", 750.0), ("shop.checkout", 250.0)]


def test_a_call_in_two_places_is_two_contributions_each_with_its_place():
    elsewhere = site(shop.price, "item.parts.pop()", "time.sleep")
    call = reported(path([SLEEPS], 0.5), path([elsewhere], 0.25), path([PRICE], 0.25))
    assert call.contributions == (
        Contribution("time.sleep", 500.0, None, 500.0, "shop.checkout", lineno_of(SLEEPS)),
        Contribution("time.sleep", 250.0, None, 250.0, "shop.price", lineno_of(elsewhere)),
        Contribution("shop.price", 250.0, None, 500.0, "shop.price", 0),
    )


def test_a_call_in_two_places_is_not_counted_because_the_count_is_of_both():
    elsewhere = site(shop.price, "item.parts.pop()", "time.sleep")
    call = reported(path([SLEEPS], 0.5), path([elsewhere], 0.5), counts={"time.sleep": 4})
    assert [each.count for each in call.contributions] == [None, None]


def test_what_no_in_app_code_called_has_no_place():
    (contribution,) = reported(path([DUMPS, RENDER])).contributions
    assert (contribution.function, contribution.lineno) == ("", 0)


def test_the_total_of_a_contribution_is_that_of_all_paths_that_go_through_it():
    recursive = path([SLEEPS, CHECKOUT], 0.25)
    totals = {each.name: each.total_ms for each in reported(path([CHECKOUT], 0.5), recursive).contributions}
    assert totals == {"shop.checkout": 750.0, "time.sleep": 250.0}


def test_contributions_are_counted_where_the_engine_counts_calls():
    counts = {shop.checkout.__code__: 3, "list.pop": 4}
    call = reported(path([CHECKOUT], 0.5), path([POPS], 0.375), path([SLEEPS], 0.125), counts=counts)
    assert [(each.name, each.own_ms, each.count, each.total_ms) for each in call.contributions] == [
        ("shop.checkout", 500.0, 3, 625.0),
        ("list.pop", 375.0, 4, 375.0),
        ("time.sleep", 125.0, None, 125.0),
    ]


def test_the_contributions_of_a_deep_stack_take_a_few_passes_and_not_one_for_each_call(monkeypatch):
    passed = []
    monkeypatch.setattr(culprit, "calls_view", lambda site: passed.append(site) or calls_view(site))
    deep = path([SLEEPS, *[CHECKOUT] * 299])
    contributions.contributions_of([deep], {})
    assert len(passed) < 10 * len(deep.nodes)


def test_the_line_that_entered_a_library_is_looked_up_once_for_all_of_the_librarys_calls(monkeypatch):
    looked_up = []
    monkeypatch.setattr(contributions, "line_of", lambda node: looked_up.append(node.name) or line_of(node))
    contributions.contributions_of([path([*[DUMPS] * 299, DUMPS_FROM])], {})
    assert looked_up == ["shop.checkout"]


def test_the_lightest_contributions_are_left_out(monkeypatch):
    monkeypatch.setattr(contributions, "MAX_CONTRIBUTIONS", 2)
    call = reported(path([SLEEPS], 0.25), path([POPS], 0.125), path([DUMPS, DUMPS_FROM], 0.625))
    assert own_ms(call) == [("json.dumps", 625.0), ("time.sleep", 250.0)]


def sampled(call):
    return [(each.duration_ms, [frame.function for frame in each.frames]) for each in call.samples]


def test_stacks_alike_are_added_up():
    call = reported(path([SLEEPS], 0.25), path([POPS, CHECKOUT], 0.25), path([SLEEPS], 0.5))
    assert sampled(call) == [(750.0, ["checkout"]), (250.0, ["checkout", "price"])]


def test_the_culprits_stack_is_first_and_then_the_heaviest():
    call = reported(
        path([CHECKOUT], 0.3125),
        path([POPS, CHECKOUT], 0.0625),
        path([SLEEPS], 0.25),
        path([SLEEPS_THERE], 0.28125),
        path([PRICE, CHECKOUT], 0.125),
    )
    assert call.source == "json.dumps(total)"
    assert [each.duration_ms for each in call.samples] == [281.25, 312.5, 250.0, 125.0, 62.5]


def test_the_lightest_stacks_are_left_out(monkeypatch):
    monkeypatch.setattr(report, "MAX_STACK_SAMPLES", 2)
    call = reported(path([POPS], 0.125), path([SLEEPS], 0.625), path([PRICE], 0.25))
    assert sampled(call) == [(625.0, ["checkout"]), (250.0, ["price"])]


# A second place in the same step.

LOCATES = site(shop.price, "item.parts.pop()", "time.sleep")


def test_the_duration_is_that_of_the_place_and_the_other_place_has_its_own():
    call = reported(path([SLEEPS], 0.5625), path([LOCATES, CHECKOUT], 0.4375))
    assert (call.function, call.duration_ms) == ("shop.checkout", 562.5)
    assert call.other_place == OtherPlace("shop.price", "time.sleep", lineno_of(LOCATES), 437.5)
    assert str(call).endswith(f", and 437.5 ms of time.sleep in shop.price, line {lineno_of(LOCATES)}")


def test_the_other_place_is_named_by_the_call_that_it_made():
    call = reported(path([SLEEPS], 0.5), path([DUMPS, RENDER, PRICE], 0.25), path([ESCAPE, RENDER, PRICE], 0.25))
    assert (call.other_place.called_name, call.other_place.duration_ms) == ("django.template.Template.render", 500.0)


def test_another_line_that_makes_the_same_call_has_a_part_of_the_duration():
    call = reported(path([SLEEPS], 0.625), path([SLEEPS_THERE], 0.375))
    assert call.duration_ms == 1000.0
    assert str(call).endswith(
        f"({shop.__file__}:{lineno_of(SLEEPS)}), 375.0 ms of it at line {lineno_of(SLEEPS_THERE)}"
    )


def test_a_function_that_spends_its_own_time_has_no_other_line():
    call = reported(path([CHECKOUT], 0.5), path([SLEEPS], 0.25), path([POPS, CHECKOUT], 0.25))
    assert (call.called_name, call.other_place) == ("shop.checkout", None)


def test_the_line_of_the_call_is_no_other_place_where_the_call_was_not_seen():
    call_unseen = site(shop.checkout, "time.sleep(total)")
    assert reported(path([SLEEPS], 0.625), path([call_unseen], 0.375)).other_place is None


def test_a_function_elsewhere_that_spends_its_own_time_is_named_once():
    call = reported(path([SLEEPS], 0.5), path([PRICE], 0.5))
    assert str(call).endswith(f", and 500.0 ms in shop.price, line {lineno_of(PRICE)}")


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param([PRICE], id="it had less than a fifth of the step"),
        pytest.param([DUMPS, RENDER], id="no in-app function is there"),
        pytest.param([], id="only plumbing was seen"),
    ],
)
def test_no_other_place_is_named_if(elsewhere):
    weight_s = 0.1875 if elsewhere == [PRICE] else 0.4375
    assert reported(path([SLEEPS], 1 - weight_s), path(elsewhere, weight_s)).other_place is None


# Steps that say nothing of themselves.


def test_where_no_function_was_seen_the_step_is_reported():
    call = reported(of=stall(1.0, cpu=1.0, handle=Step(shop.price)))
    name = f"{shop.__name__}.price"
    assert (call.method_name, call.function, call.called_name, call.leaf_name) == (name,) * 4
    assert (call.filename, call.source, line(call)) == (shop.__file__, "def price(item):", "def price(item):")
    assert (call.duration_ms, call.step_ms) == (1000.0, 1000.0)
    assert (call.stack, call.samples, call.contributions) == ((), (), ())
    assert (call.is_c_call, call.exact) == (False, False)


def test_a_step_that_is_one_c_call_is_certain():
    call = reported(of=stall(1.0, cpu=1.0, handle=Step(sorted)))
    assert (call.method_name, call.is_c_call, call.exact) == ("sorted", True, True)
    assert (call.filename, call.lineno, call.source) == ("", 0, "")


def request_in_flight(ask, finished_at=NEVER):
    request = RequestInFlight(InFlight(), ask)
    request.finished_at = finished_at
    return request


PAGE = Request("http", "GET", "shop/<int:id>/", view=f"{shop.__name__}.add_up")


def fails():
    raise RuntimeError("A request that does not say what it is")


def test_the_request_that_the_step_was_for_is_reported():
    assert reported(path([SLEEPS]), of=stall(1.0, request=request_in_flight(lambda: PAGE))).request is PAGE


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(None, id="there is none"),
        pytest.param(request_in_flight(lambda: PAGE, finished_at=-1.0), id="it was over before"),
        pytest.param(request_in_flight(lambda: PAGE, finished_at=0.0), id="it was over as the step began"),
        pytest.param(request_in_flight(fails), id="it does not say what it is"),
    ],
)
def test_no_request_is_reported_if(request_):
    assert reported(path([SLEEPS]), of=stall(1.0, request=request_)).request is None


def test_a_request_that_ended_in_the_step_is_reported():
    request = request_in_flight(lambda: PAGE, finished_at=0.5)
    assert reported(path([SLEEPS]), of=stall(1.0, request=request)).request is PAGE


def test_a_step_of_a_library_is_named_by_the_view_that_its_request_was_for():
    of = stall(1.0, cpu=1.0, handle=Step(json.dumps), request=request_in_flight(lambda: PAGE))
    assert reported(of=of).method_name == PAGE.view


class Nameless:
    """A handle, or a callback, that answers no question."""

    def __init__(self, error):
        self.__dict__["error"] = error

    def __getattr__(self, name):
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError(), SystemExit()])
def test_a_step_that_answers_no_question_is_still_reported(error):
    nameless = Nameless(error)
    for handle, name in [(nameless, "callback"), (Step(nameless), f"{__name__}.Nameless")]:
        call = reported(of=stall(1.0, cpu=1.0, handle=handle))
        assert (call.method_name, call.task_name) == (name, "")


# What the report takes over from the stall.


def test_requests_that_were_delayed_are_described_as_far_as_they_can_be():
    delayed = [request_in_flight(lambda: PAGE), request_in_flight(fails), request_in_flight(lambda: PAGE)]
    call = reported(path([SLEEPS]), of=stall(1.0, waiting=7, delayed=delayed))
    assert (call.waiting, call.delayed) == (7, (PAGE, PAGE))


def test_the_stall_keeps_its_id_and_mark_and_says_who_reports_it():
    span = object()
    call = reported(path([SLEEPS]), seen=observation(stall_id="abc", otel_span=span), engine="tracing", ongoing=True)
    assert (call.stall_id, call.otel_span, call.engine, call.ongoing) == ("abc", span, "tracing", True)


def test_the_task_is_reported_by_its_name(step_of_task):
    handle = step_of_task(shop.restock())
    handle._callback.__self__.set_name("restocking")
    assert reported(path([SLEEPS]), of=stall(1.0, handle=handle)).task_name == "restocking"


@pytest.mark.parametrize("callback", [None, shop.Cart().size], ids=["nothing", "a method of something else"])
def test_a_step_of_no_task_has_no_task_name(callback):
    assert reported(path([SLEEPS]), of=stall(1.0, handle=Step(callback))).task_name == ""
