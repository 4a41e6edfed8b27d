"""Code that computes by operators and in loops."""
# ruff: noqa: B015, PERF402 - what the expressions are worth is not the point

import time
from decimal import Decimal

from django.template import Engine

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import OWN_FUNCTION, Catalogue
from tests.detection.catalogue.sizes import STALL_S, sized

catalogue = Catalogue()
COMPUTING = Cause.COMPUTING

ENGINE = Engine()
ORDERS_TEMPLATE = ENGINE.from_string(
    "<table>{% for order in orders %}<tr><td>{{ order.title|upper }}</td><td>{{ order.price|floatformat:2 }}</td></tr>"
    "{% endfor %}</table>"
)


# Operators: CPython offers the GIL to nobody while they run, nor directly afterwards


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, exact=False, given=sized(lambda n: 3**n, start=10_000))
async def power(truth, exponent):
    with truth:
        3**exponent  # blocks


@catalogue.blocks(
    OWN_FUNCTION, cause=COMPUTING, exact=False, given=sized(lambda n: n * n, lambda bits: 3**bits, 10_000)
)
async def product(truth, number):
    with truth:
        number * number  # blocks


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, exact=False, given=sized(lambda n: [0] * n, start=1000))
async def list_repetition(truth, count):
    with truth:
        [0] * count  # blocks


def zeros(count):
    return [0] * count


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, exact=False, given=sized(lambda zeros: 1 in zeros, zeros, 10_000))
async def membership(truth, zeros):
    with truth:
        1 in zeros  # blocks


def factorial(number):
    product = 1
    for factor in range(2, number + 1):  # blocks
        product *= factor  # blocks
    return product


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, where="factorial", given=sized(factorial, start=100))
async def big_integers_in_a_loop(truth, number):
    with truth:
        factorial(number)


def harmonic(count):
    total = Decimal(0)
    for number in range(1, count):  # blocks
        total += 1 / Decimal(number)  # blocks
    return total


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, where="harmonic", given=sized(harmonic, start=100))
async def decimals_in_a_loop(truth, count):
    with truth:
        harmonic(count)


# Loops


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, is_c=False)
async def loop_in_coroutine(truth):
    count = 0
    with truth:
        until = time.perf_counter() + STALL_S
        while time.perf_counter() < until:  # blocks
            count += 1  # blocks


def collatz(limit):
    longest = 0
    for start in range(1, limit):
        number, length = start, 0  # blocks
        while number != 1:  # blocks
            number = number // 2 if number % 2 == 0 else 3 * number + 1  # blocks
            length += 1  # blocks
        longest = max(longest, length)  # blocks
    return longest


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, is_c=False, where="collatz", given=sized(collatz, start=100))
async def loop_in_helper(truth, limit):
    with truth:
        collatz(limit)


def primes(limit):
    for number in range(2, limit):
        divisor = 2  # blocks
        while divisor * divisor <= number and number % divisor:  # blocks
            divisor += 1  # blocks
        if divisor * divisor > number:  # blocks
            yield number  # blocks


def count_primes(limit):
    return sum(1 for _ in primes(limit))


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, is_c=False, where="primes", given=sized(count_primes, start=1000))
async def generator_in_loop(truth, limit):
    found = []
    with truth:
        for prime in primes(limit):
            found.append(prime)


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, is_c=False, where="primes", given=sized(count_primes, start=1000))
async def generator_in_list(truth, limit):
    with truth:
        list(primes(limit))


def fibonacci(number):  # blocks
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)  # blocks


@catalogue.blocks(
    OWN_FUNCTION, cause=COMPUTING, is_c=False, where="fibonacci", given=sized(fibonacci, start=15, is_steep=True)
)
async def recursion(truth, number):
    with truth:
        fibonacci(number)


def tiny():
    until = time.perf_counter() + 0.0004
    while time.perf_counter() < until:  # blocks
        pass


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, is_c=False, where="tiny", contributions=(OWN_FUNCTION,))
async def many_tiny_calls(truth):
    with truth:
        for _ in range(250):
            tiny()


@catalogue.blocks("time.sleep", cause=Cause.WAITING, is_c=True, contributions=("time.sleep",))
async def many_tiny_sleeps(truth):
    with truth:
        for _ in range(250):
            time.sleep(0.0004)  # blocks
