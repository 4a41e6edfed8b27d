"""The first and the last step of a loop, and steps that block more than once."""

import asyncio
import json
import time
from contextlib import suppress

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.computing import orders
from tests.detection.catalogue.peers import PAUSE_S
from tests.detection.catalogue.sizes import STALL_S, sized

catalogue = Catalogue()
COMPUTING, WAITING = Cause.COMPUTING, Cause.WAITING
NO_TASK = ("",)


# The first and the last step of a loop


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, around=True, tasks=None)
async def first_step(truth):
    with truth:
        time.sleep(PAUSE_S)  # blocks
    await asyncio.sleep(0.001)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, around=True, tasks=None)
async def last_step(truth):
    await asyncio.sleep(0.001)
    with truth:
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, around=True, tasks=None)
async def only_step(truth):
    with truth:
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks(
    "json.dumps", cause=COMPUTING, is_c=False, around=True, tasks=None, given=sized(json.dumps, orders, 1000)
)
async def last_step_keeping_the_gil(truth, document):
    await asyncio.sleep(0.001)
    with truth:
        json.dumps(document)  # blocks


unfinished = []


async def generator_that_is_left(truth):
    try:
        yield 1
        yield 2
    finally:
        with truth:
            time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="generator_that_is_left", around=True, tasks=None)
async def generator_closed_at_shutdown(truth):
    unfinished.append(generator_that_is_left(truth))
    await anext(unfinished[-1])


# Steps that block in more than one way, or more than once


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, contributions=("time.sleep",))
async def two_different_calls(truth):
    numbers = range(100_000)
    with truth:
        until = time.perf_counter() + STALL_S / 2
        while time.perf_counter() < until:
            sum(numbers)
        time.sleep(2 * PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def the_same_call_five_times(truth):
    for _ in range(5):
        with truth:
            time.sleep(PAUSE_S)  # blocks
        await asyncio.sleep(0)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def the_same_call_twice_in_a_step(truth):
    with truth:
        for _ in range(2):
            time.sleep(PAUSE_S)  # blocks


class PaymentError(Exception):
    pass


def pay():
    time.sleep(PAUSE_S)  # blocks
    raise PaymentError


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="pay")
async def a_call_that_raises(truth):
    with suppress(PaymentError), truth:
        pay()


async def pay_and_fail(truth):
    with truth:
        time.sleep(PAUSE_S)  # blocks
    raise PaymentError


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="pay_and_fail", tasks=("failing",))
async def a_task_that_raises(truth):
    with suppress(PaymentError):
        await asyncio.create_task(pay_and_fail(truth), name="failing")
