"""Code that computes over lists, dictionaries and objects."""

import ast
import collections
import copy
import dataclasses
import gc
import itertools
import random
import statistics
import string

from django.template import Engine

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import OWN_FUNCTION, Catalogue
from tests.detection.catalogue.computing import numbers, orders
from tests.detection.catalogue.sizes import sized

catalogue = Catalogue()
COMPUTING = Cause.COMPUTING

ENGINE = Engine()
ORDERS_TEMPLATE = ENGINE.from_string(
    "<table>{% for order in orders %}<tr><td>{{ order.title|upper }}</td><td>{{ order.price|floatformat:2 }}</td></tr>"
    "{% endfor %}</table>"
)


# Collections


@catalogue.blocks("sorted", cause=COMPUTING, is_c=True, given=sized(sorted, numbers, 1000))
async def sorting(truth, numbers):
    with truth:
        sorted(numbers)  # blocks


@catalogue.blocks("list.sort", cause=COMPUTING, is_c=True, given=sized(sorted, numbers, 1000))
async def sorting_in_place(truth, numbers):
    with truth:
        numbers.sort()  # blocks


def sort_by_title(orders):
    orders.sort(key=lambda order: order["title"])


@catalogue.blocks("list.sort", cause=COMPUTING, is_c=True, given=sized(sort_by_title, orders, 50_000))
async def sorting_by_key(truth, orders):
    with truth:
        orders.sort(key=lambda order: order["title"])  # blocks


@catalogue.blocks("sum", cause=COMPUTING, is_c=True, given=sized(sum, range, 1000))
async def summing(truth, numbers):
    with truth:
        sum(numbers)  # blocks


def sum_squares(count):
    return sum(number * number for number in range(count))


@catalogue.blocks("sum", cause=COMPUTING, is_c=True, given=sized(sum_squares, start=1000))
async def summing_generator_expression(truth, count):
    with truth:
        sum(number * number for number in range(count))  # blocks


def largest(numbers):
    return max(numbers, key=lambda number: number % 1000)


@catalogue.blocks("max", cause=COMPUTING, is_c=True, given=sized(largest, range, 1000))
async def maximum_by_key(truth, numbers):
    with truth:
        max(numbers, key=lambda number: number % 1000)  # blocks


@catalogue.blocks("copy.deepcopy", cause=COMPUTING, is_c=False, given=sized(copy.deepcopy, orders, 100))
async def deep_copy(truth, orders):
    with truth:
        copy.deepcopy(orders)  # blocks


def squares(count):
    return [number * number for number in range(count)]


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, given=sized(squares, start=1000))
async def list_comprehension(truth, count):
    with truth:
        [number * number for number in range(count)]  # blocks


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, given=sized(squares, start=1000))
async def dict_comprehension(truth, count):
    with truth:
        {number: number + 1 for number in range(count)}  # blocks


def count_all(numbers):
    return collections.Counter(numbers)


@catalogue.blocks("collections.Counter", cause=COMPUTING, given=sized(count_all, numbers, 1000))
async def counting(truth, numbers):
    with truth:
        collections.Counter(numbers)  # blocks


def shuffle(numbers):
    random.shuffle(numbers)


@catalogue.blocks("random.Random.shuffle", "random.shuffle", cause=COMPUTING, given=sized(shuffle, numbers, 1000))
async def shuffling(truth, numbers):
    with truth:
        random.shuffle(numbers)  # blocks


@catalogue.blocks("statistics.stdev", cause=COMPUTING, given=sized(statistics.stdev, numbers, 1000))
async def standard_deviation(truth, numbers):
    with truth:
        statistics.stdev(numbers)  # blocks


def pairs(count):
    return list(itertools.combinations(range(count), 2))


@catalogue.blocks("list", cause=COMPUTING, is_c=True, given=sized(pairs, start=300))
async def combinations(truth, count):
    gc.disable()  # it would collect for half of the time
    with truth:
        list(itertools.combinations(range(count), 2))  # blocks
    gc.enable()


@dataclasses.dataclass
class Line:
    title: str
    prices: list[int]


def lines(count):
    return Line("all", [Line("one", [1]) for _ in range(count)])


@catalogue.blocks("dataclasses.asdict", cause=COMPUTING, is_c=False, given=sized(dataclasses.asdict, lines, 100))
async def dataclass_to_dict(truth, line):
    with truth:
        dataclasses.asdict(line)  # blocks


@catalogue.blocks(
    "ast.parse", cause=COMPUTING, given=sized(ast.parse, lambda count: "price = title + 1\n" * count, 100)
)
async def parsing(truth, program):
    with truth:
        ast.parse(program)  # blocks


@catalogue.blocks(
    "string.Template.substitute",
    cause=COMPUTING,
    given=sized(lambda text: string.Template(text).substitute(name="x"), lambda count: "Dear $name, " * count, 100),
)
async def string_template(truth, text):
    letter = string.Template(text)
    with truth:
        letter.substitute(name="Ada")  # blocks
