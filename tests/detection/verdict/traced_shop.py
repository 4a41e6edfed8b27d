"""Frames of the shop, calls traced there, and the explanation of a stall made of them."""

import asyncio
from dataclasses import replace

from loopwatch.detection.verdict.explanation import explain_by_trace
from tests.detection import shop
from tests.detection.builders import inner_code, named, site, trace, traced

CHECKOUT = site(shop.checkout, "add_up(cart)")
SLEEPS = site(shop.checkout, "time.sleep(total)")
SLEEPING = site(shop.checkout, "time.sleep(total)", "time.sleep")
DUMPS = site(shop.checkout, "json.dumps(total)")
ADD_UP = site(shop.add_up, "max(cart, key=lambda item: item.weight)")
ADDING_UP = site(shop.add_up, "max(cart, key=lambda item: item.weight)", "max")
SUMS = site(shop.add_up, "sum(price(item) for item in cart)")
SUMMING = site(shop.add_up, "sum(price(item) for item in cart)", "sum")
GENERATOR = site(inner_code(shop.add_up, "<genexpr>"), "price(item)")
PRICE = site(shop.price, "item.parts")
POPS = site(shop.price, "item.parts.pop()")
POPPING = site(shop.price, "item.parts.pop()", "list.pop")
PLUMBING = site(asyncio.sleep)
SUM_OF_PRICES = (SUMS.code, SUMS.offset, "sum")

WHOLE = traced([SLEEPS], 0.0, 4.0, name="time.sleep")
FUNCTION = traced([ADD_UP, CHECKOUT], 0.0, 4.0)


def shares(explanation):
    """Innermost name, or a dash, and seconds of each path that stands for any time."""
    return [((named(each.nodes) or ["-"])[-1], each.weight_s) for each in explanation.paths if each.weight_s]


def moved(seen, to_sample):
    """The same path, seen by another sample."""
    return replace(seen, sample=to_sample)


def explained(calls, sampled=(), ended=4.0, started=0.0, readings=(), collections=()):
    return explain_by_trace(trace(*calls), sampled, readings, started, ended, collections)
