"""The speedscope format meets the requirements of its published schema (file-format-schema.json, 1.x)."""

import json

import pytest

from loopwatch.reporting.as_collapsed import render_collapsed
from loopwatch.reporting.as_speedscope import render_speedscope
from loopwatch.reporting.flame import SampledEvent, merge
from tests.reporting.test_flame import ADD, CHECKOUT, HANDLER, samples

UNITS = {"bytes", "microseconds", "milliseconds", "nanoseconds", "none", "seconds"}


@pytest.fixture
def graph():
    return merge(
        [SampledEvent(samples((60.25, HANDLER, CHECKOUT), (30.5, HANDLER, CHECKOUT, ADD)), "time.sleep", 90.75)]
    )


def profile_of(graph):
    document = json.loads(render_speedscope(graph, "time.sleep in shop"))
    (profile,) = document["profiles"]
    return document, profile


def test_the_file_has_what_the_schema_requires(graph):
    document, profile = profile_of(graph)
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert set(document) <= {"$schema", "shared", "profiles", "name", "activeProfileIndex", "exporter"}
    assert set(profile) == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}
    assert (profile["type"], profile["name"]) == ("sampled", "time.sleep in shop")
    assert profile["unit"] in UNITS
    for frame in document["shared"]["frames"]:
        assert set(frame) <= {"name", "file", "line", "col"}
        assert isinstance(frame["name"], str)


def test_every_sample_has_a_weight_and_they_fill_the_profile(graph):
    document, profile = profile_of(graph)
    assert len(profile["samples"]) == len(profile["weights"]) == 2
    assert profile["endValue"] - profile["startValue"] == sum(profile["weights"]) == 90.75
    known = range(len(document["shared"]["frames"]))
    assert all(index in known for sample in profile["samples"] for index in sample)


def test_the_samples_are_the_stacks_outermost_first(graph):
    document, profile = profile_of(graph)
    frames = document["shared"]["frames"]
    stack = [frames[index] for index in profile["samples"][0]]
    assert stack == [
        {"name": "django.core.handlers.base.get_response", "file": "django/core/handlers/base.py"},
        {"name": "shop.views.checkout", "file": "shop/views.py"},
        {"name": "time.sleep"},
    ]


def test_an_empty_graph_is_a_valid_file():
    _, profile = profile_of(merge([]))
    assert (profile["samples"], profile["weights"], profile["endValue"]) == ([], [], 0)


def test_collapsed_stacks_count_microseconds(graph):
    base = "django.core.handlers.base.get_response;shop.views.checkout"
    assert render_collapsed(graph) == f"{base};time.sleep 60250\n{base};shop.cart.add 30500\n"
    assert render_collapsed(merge([])) == ""


def test_a_stack_of_less_than_a_microsecond_has_a_line():
    assert render_collapsed(merge([SampledEvent(samples((0.0001, CHECKOUT)), "", 1.0)])) == "shop.views.checkout 1\n"
