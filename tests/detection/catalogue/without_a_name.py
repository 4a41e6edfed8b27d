"""Code that calls a function without its name: properties, operators, decorators, context managers."""
# ruff: noqa: B015, B018 - what the expressions are worth is not the point

import functools
import time
from contextlib import contextmanager

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import OWN_FUNCTION, Catalogue
from tests.detection.catalogue.peers import PAUSE_S
from tests.detection.catalogue.sizes import STALL_S

catalogue = Catalogue()
COMPUTING, WAITING = Cause.COMPUTING, Cause.WAITING


def compute():
    until = time.perf_counter() + STALL_S
    while time.perf_counter() < until:  # blocks
        pass


# Classes of the user's


class Basket:
    def __init__(self):
        self.prices = [3, 5]

    @property
    def total(self):
        until = time.perf_counter() + STALL_S
        while time.perf_counter() < until:  # blocks
            pass
        return sum(self.prices)

    @property
    def shipping(self):
        time.sleep(PAUSE_S)  # blocks
        return 4

    @functools.cached_property
    def weight(self):
        time.sleep(PAUSE_S)  # blocks
        return 2

    def __add__(self, other):
        time.sleep(PAUSE_S)  # blocks
        return self

    def __eq__(self, other):
        time.sleep(PAUSE_S)  # blocks
        return True

    def __hash__(self):
        time.sleep(PAUSE_S)  # blocks
        return 1

    def __len__(self):
        time.sleep(PAUSE_S)  # blocks
        return 2

    def __getitem__(self, number):
        time.sleep(PAUSE_S)  # blocks
        return self.prices[number]

    def __setitem__(self, number, price):
        time.sleep(PAUSE_S)  # blocks

    def __contains__(self, price):
        compute()
        return True

    def __bool__(self):
        time.sleep(PAUSE_S)  # blocks
        return True

    def __str__(self):
        compute()
        return "basket"

    def __getattr__(self, name):
        time.sleep(PAUSE_S)  # blocks
        return

    def __call__(self):
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, is_c=False, where="Basket.total")
async def property_that_computes(truth):
    basket = Basket()
    with truth:
        basket.total


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.shipping")
async def property_that_sleeps(truth):
    basket = Basket()
    with truth:
        basket.shipping


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.weight")
async def cached_property(truth):
    basket = Basket()
    with truth:
        basket.weight


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__add__")
async def operator_add(truth):
    basket = Basket()
    with truth:
        basket + basket


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__eq__")
async def operator_equals(truth):
    basket, other = Basket(), Basket()
    with truth:
        basket == other


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__eq__")
async def equality_in_list(truth):
    baskets, wanted = [Basket()], Basket()
    with truth:
        baskets.index(wanted)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__hash__")
async def key_of_dict(truth):
    basket = Basket()
    with truth:
        {basket: 1}


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__len__")
async def length(truth):
    basket = Basket()
    with truth:
        len(basket)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__getitem__")
async def subscript(truth):
    basket = Basket()
    with truth:
        basket[0]


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__setitem__")
async def subscript_assigned(truth):
    basket = Basket()
    with truth:
        basket[0] = 4


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, where="compute")
async def operator_in(truth):
    basket = Basket()
    with truth:
        4 in basket


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__bool__")
async def truth_of_object(truth):
    basket = Basket()
    with truth:
        if basket:
            pass


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, where="compute")
async def formatting(truth):
    basket = Basket()
    with truth:
        f"The {basket}"


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__getattr__")
async def attribute_that_is_missing(truth):
    basket = Basket()
    with truth:
        basket.owner


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Basket.__call__")
async def object_called(truth):
    basket = Basket()
    with truth:
        basket()


class Countdown:
    def __iter__(self):
        return self

    def __next__(self):
        time.sleep(PAUSE_S)  # blocks
        raise StopIteration


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Countdown.__next__")
async def iterator(truth):
    countdown = Countdown()
    with truth:
        for _ in countdown:
            pass


class Slow:
    def __set_name__(self, owner, name):
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Slow.__set_name__")
async def class_created(truth):
    with truth:

        class Model:
            field = Slow()


@functools.lru_cache
def exchange_rate(currency):
    time.sleep(PAUSE_S)  # blocks
    return 1.1


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="exchange_rate")
async def cached_function(truth):
    exchange_rate.cache_clear()
    with truth:
        exchange_rate("EUR")


def traced(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)

    return call


@traced
def decorated(delay_s):
    time.sleep(delay_s)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="decorated")
async def decorated_function(truth):
    with truth:
        decorated(PAUSE_S)


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def partial_function(truth):
    pause = functools.partial(time.sleep, PAUSE_S)
    with truth:
        pause()  # blocks


@catalogue.blocks("list", cause=WAITING, is_c=True)
async def mapped_function(truth):
    with truth:
        list(map(time.sleep, [PAUSE_S]))  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True)
async def arguments_unpacked(truth):
    arguments = [PAUSE_S]
    with truth:
        time.sleep(*arguments)  # blocks


# Context managers


class Transaction:
    def __enter__(self):
        time.sleep(PAUSE_S)  # blocks
        return self

    def __exit__(self, *_):
        return None


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Transaction.__enter__")
async def context_entered(truth):
    with truth, Transaction():
        pass


class Session:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        time.sleep(PAUSE_S)  # blocks


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="Session.__exit__")
async def context_left(truth):
    with truth, Session():
        pass


@contextmanager
def transaction():
    time.sleep(PAUSE_S)  # blocks
    yield


@catalogue.blocks("time.sleep", cause=WAITING, is_c=True, where="transaction")
async def context_of_generator(truth):
    with truth, transaction():
        pass
