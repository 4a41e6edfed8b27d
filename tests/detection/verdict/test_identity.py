"""The same cause is the same finding, wherever in a library the samples happen to fall."""

import importlib
import json
import random
from dataclasses import replace

import django.template.base as templates
import pytest
from django.utils import html

from loopwatch.detection.calls import SAMPLING, Cause
from loopwatch.detection.machine.gil_wait import GilWait
from loopwatch.detection.verdict.blocking_call import explain_stall
from tests.detection import shop
from tests.detection.builders import (
    NO_COLLECTION,
    inner_code,
    observation,
    path,
    reading,
    reported,
    sample,
    site,
    stall,
)

CHECKOUT = site(shop.checkout, "json.dumps(total)")
RENDER = site(templates.Template.render)
COMPILES = site(templates.Template.compile_nodelist)
COMPILES_NAME = "django.template.Template.compile_nodelist"
SLEEPS = site(shop.checkout, "time.sleep(total)", "time.sleep")
INSIDE = [
    [],
    [site(templates.NodeList.render)],
    [site(html.escape), site(templates.NodeList.render)],
    [site(json.dumps), site(templates.NodeList.render)],
    [site(json.JSONEncoder.encode), site(json.dumps), site(templates.NodeList.render)],
    [site(templates.Template.compile_nodelist)],
]


def test_fifty_ways_in_which_samples_fall_into_a_library_are_one_finding():
    pick = random.Random(17)
    calls = []
    for _ in range(50):
        weights = [pick.random() ** 3 for _ in INSIDE]
        paths = [path([*stack, RENDER, CHECKOUT], weight) for stack, weight in zip(INSIDE, weights, strict=True)]
        elsewhere = path([CHECKOUT], sum(weights) * pick.uniform(0, 0.9))
        calls.append(reported(*paths, elsewhere))
    assert {call.method_name for call in calls} == {"json.dumps", "django.template.Template.render"}
    assert len({call.fingerprint for call in calls}) == 1


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param([], id="in itself"),
        pytest.param([site(templates.NodeList.render)], id="in another function of the library"),
        pytest.param([site(json.dumps), site(templates.NodeList.render)], id="in another library"),
    ],
)
def test_what_a_library_does_by_itself_is_one_finding_wherever_a_call_that_it_makes_spends_its_time(inside):
    call = reported(path([*inside, COMPILES, RENDER]))
    assert (call.function, call.called_name) == ("django.template.Template.render", COMPILES_NAME)


def test_the_time_of_a_generator_expression_is_that_of_the_function_around_it():
    call = reported(path([site(inner_code(shop.add_up, "<genexpr>")), site(shop.add_up)]))
    assert (call.function, call.called_name, call.method_name) == ("shop.add_up",) * 3
    assert call.source.strip() == "prices = sum(price(item) for item in cart)"  # the line, and no call in it


def test_another_call_of_the_same_function_is_another_finding():
    calls = [reported(path([RENDER, CHECKOUT])), reported(path([site(json.dumps), CHECKOUT]))]
    assert calls[0].fingerprint != calls[1].fingerprint


def test_the_same_call_of_another_function_is_another_finding():
    calls = [reported(path([RENDER, CHECKOUT])), reported(path([RENDER, site(shop.price)]))]
    assert calls[0].fingerprint != calls[1].fingerprint


# What the machine or the collector adds to a step does not change its finding.

PARTS = [path([RENDER, CHECKOUT], 0.625), path([SLEEPS], 0.375)]
DISTURBED = [
    pytest.param([path([RENDER, CHECKOUT], 0.625), path([SLEEPS], 1.375, delayed=0.75)], id="waited for a CPU"),
    pytest.param([path([RENDER, CHECKOUT], 0.625), path([SLEEPS], 1.375, collecting=0.75)], id="collected garbage"),
    pytest.param(
        [path([RENDER, CHECKOUT], 2.5, delayed=0.5, collecting=0.5), path([SLEEPS], 0.375)],
        id="collected garbage and waited for a CPU",
    ),
    pytest.param([*PARTS, path([], 0.875)], id="was seen in plumbing for less than half of the time"),
    pytest.param(
        [*(replace(each, weight_s=16 * each.weight_s, delayed=0.9375) for each in PARTS), path([], 8.0)],
        id="was seen in plumbing for most of the time in which it had a CPU",
    ),
    pytest.param(
        [*(replace(each, weight_s=16 * each.weight_s, delayed=1.0) for each in PARTS), path([], 8.0)],
        id="was seen in plumbing whenever it had a CPU",
    ),
    pytest.param([*PARTS, path([], 3.0, delayed=0.75)], id="waited for a CPU in plumbing for most of the time"),
    pytest.param(
        [path([RENDER, CHECKOUT], 0.625, collecting=1.0), path([SLEEPS], 0.375, delayed=1.0)],
        id="did nothing but collect garbage and wait for a CPU",
    ),
]


@pytest.mark.parametrize("paths", DISTURBED)
def test_a_step_is_the_same_finding_if_it(paths):
    assert reported(*paths).fingerprint == reported(*PARTS).fingerprint


@pytest.mark.parametrize("state", [Cause.STARVED, Cause.SUSPENDED])
def test_the_call_at_which_a_step_is_held_up_is_not_named_for_it(state):
    work = sample(0.5, 0.5, [RENDER, CHECKOUT], GilWait.INTERVAL)
    states = {Cause.STARVED: reading(1.5, 0.5, others=0.875), Cause.SUSPENDED: reading(1.5, 0.5)}
    held_up = sample(1.5, states[state], [SLEEPS], GilWait.SHARED, requested_at=0.5, due_at=0.5)
    step, seen = stall(1.5, cpu=0.5), observation(work, held_up)
    explained = explain_stall(step, seen, 0.0, SAMPLING, NO_COLLECTION)
    assert [each.state for each in explained.paths] == [Cause.COMPUTING, state]
    assert reported(*explained.paths).called_name == "django.template.Template.render"


def test_the_time_before_a_sample_counts_without_the_wait_for_a_cpu():
    samples = [sample(1.0, 1.0, [RENDER, CHECKOUT]), sample(3.0, 1.5, [SLEEPS], requested_at=1.5, delayed_s=0.75)]
    paths = explain_stall(stall(3.0, cpu=1.5), observation(*samples), 0.0, SAMPLING, NO_COLLECTION).paths
    assert [(each.weight_s, each.net_s) for each in paths] == [(1.25, 1.25), (1.75, 1.09375)]


@pytest.mark.parametrize("share", [0.46, 0.5, 0.54])
def test_a_step_is_the_same_finding_whichever_of_two_equal_calls_took_longer(share):
    assert reported(path([SLEEPS], share), path([site(json.dumps), CHECKOUT], 1 - share)).called_name == "time.sleep"


# The shares of a function's calls differ from stall to stall. They are one finding while each share is near to half.

FUNCTION = "shop.checkout"
RENDERS = "django.template.Template.render"
USUAL = [
    pytest.param("time.sleep", 0.34, "time.sleep", id="the usual one of two calls, if it took a third"),
    pytest.param("time.sleep", 0.32, RENDERS, id="the one that took more, if the usual one took less than a third"),
    pytest.param(RENDERS, 0.52, RENDERS, id="the usual one of two calls, even if the other is called first"),
    pytest.param(FUNCTION, 0.36, FUNCTION, id="the function, if it is usual and a call took less than two thirds"),
    pytest.param(FUNCTION, 0.32, RENDERS, id="a call that took more than two thirds, even if the function is usual"),
    pytest.param("json.dumps", 0.36, RENDERS, id="nothing that was not seen in this stall"),
]


@pytest.mark.parametrize(("usual", "share", "called"), USUAL)
def test_if_two_calls_shared_a_step_the_finding_names(usual, share, called):
    call = reported(path([SLEEPS], share), path([RENDER, CHECKOUT], 1 - share), usual={(FUNCTION, usual): 1})
    assert (call.function, call.called_name) == (FUNCTION, called)


@pytest.mark.parametrize(
    ("times_rendered", "called"),
    [
        pytest.param(3, RENDERS, id="if it was named more often than the function"),
        pytest.param(1, FUNCTION, id="not if the function was named more often"),
        pytest.param(0, FUNCTION, id="not if it was never named"),
    ],
)
def test_a_call_with_less_than_half_of_the_step_is_named(times_rendered, called):
    usual = {(FUNCTION, RENDERS): times_rendered, (FUNCTION, FUNCTION): 2}
    paths = path([RENDER, CHECKOUT], 0.375), path([SLEEPS], 0.3125), path([site(json.dumps), CHECKOUT], 0.3125)
    assert reported(*paths, usual=usual).called_name == called


def test_an_import_that_took_most_of_a_step_is_named_instead_of_the_usual_call():
    connects = site(shop.load_models, 'sqlite3.connect("shop.db")', "sqlite3.connect")
    imports = [site(importlib._bootstrap._find_and_load), site(shop.load_models, "import sqlite3")]
    usual = {("shop.load_models", "sqlite3.connect"): 1}
    assert reported(path([connects], 0.375), path(imports, 0.625), usual=usual).called_name == "import sqlite3"


@pytest.mark.parametrize(("times_slept", "called"), [(3, "time.sleep"), (1, RENDERS)])
@pytest.mark.parametrize("share", [0.375, 0.625])
def test_the_call_that_was_named_more_often_is_the_usual_one(share, times_slept, called):
    usual = {(FUNCTION, "time.sleep"): times_slept, (FUNCTION, RENDERS): 2}
    assert reported(path([SLEEPS], share), path([RENDER, CHECKOUT], 1 - share), usual=usual).called_name == called


def test_of_two_usual_calls_with_a_third_of_the_step_each_the_one_named_more_often_is_named():
    usual = {(FUNCTION, "time.sleep"): 3, (FUNCTION, RENDERS): 2}
    paths = path([SLEEPS], 0.375), path([RENDER, CHECKOUT], 0.375), path([CHECKOUT], 0.25)
    assert reported(*paths, usual=usual).called_name == "time.sleep"


def test_a_function_that_was_seen_beside_a_call_with_more_than_two_thirds_is_not_named_as_the_usual_culprit():
    paths = path([SLEEPS], 0.75), path([CHECKOUT], 0.25)
    assert reported(*paths, usual={(FUNCTION, FUNCTION): 1}).called_name == "time.sleep"


def test_a_usual_call_has_its_own_time_and_detail():
    escapes = path([site(html.escape), RENDER, CHECKOUT], 0.0625)
    paths = [path([SLEEPS], 0.625), escapes, path([site(json.dumps), RENDER, CHECKOUT], 0.25), escapes]
    call = reported(*paths, usual={(FUNCTION, RENDERS): 1})
    assert (call.method_name, call.duration_ms, call.other_place.duration_ms) == ("json.dumps", 375.0, 625.0)


def on_a_busy_machine(*seen):
    """The paths of a step of two seconds in which the thread had a CPU for less than one.

    Each sample is a moment, the CPU time used until then, a stack, and the wait for a CPU that the kernel has counted.
    """
    samples, since = [], 0.0
    for at, own_s, stack, delayed_s in seen:
        samples.append(sample(at, own_s, stack, GilWait.LONG, requested_at=since, delayed_s=delayed_s))
        since = at
    step, seen = stall(2.0, cpu=samples[-1].cpu), observation(*samples)
    return explain_stall(step, seen, 0.0, SAMPLING, NO_COLLECTION).paths


def test_plumbing_in_which_a_step_waited_for_a_cpu_at_its_end_is_not_named():
    seen = [(0.5, 0.25, [RENDER, CHECKOUT], 0.5), (1.0, 0.375, [RENDER, CHECKOUT], 0.5), (1.5, 0.5, [], 0.25)]
    assert reported(*on_a_busy_machine(*seen)).called_name == "django.template.Template.render"


def test_a_call_whose_wait_for_a_cpu_was_counted_after_it_is_not_named_for_it():
    seen = [(1.0, 0.25, [SLEEPS], 0.0), (2.0, 0.75, [RENDER, CHECKOUT], 1.25)]
    assert reported(*on_a_busy_machine(*seen)).called_name == "django.template.Template.render"
