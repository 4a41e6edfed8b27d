"""The same cause is the same finding, wherever in a library the samples happen to fall."""

import json
import random

import django.template.base as templates
from django.utils import html

from tests.detection import shop
from tests.detection.builders import path, reported, site

CHECKOUT = site(shop.checkout, "json.dumps(total)")
RENDER = site(templates.Template.render)
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


def test_another_call_of_the_same_function_is_another_finding():
    calls = [reported(path([RENDER, CHECKOUT])), reported(path([site(json.dumps), CHECKOUT]))]
    assert calls[0].fingerprint != calls[1].fingerprint


def test_the_same_call_of_another_function_is_another_finding():
    calls = [reported(path([RENDER, CHECKOUT])), reported(path([RENDER, site(shop.price)]))]
    assert calls[0].fingerprint != calls[1].fingerprint
