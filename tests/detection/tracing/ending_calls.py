"""Functions whose calls end where a test says, and the clock of the step that makes them."""

import sys
from types import FunctionType

from tests.detection.builders import reading

STEP = 10.0


class Clock:
    """A loop's clock, whose CPU clocks show what a test wants."""

    threshold_s = 0.05
    at = STEP

    def read_cpu(self):
        return reading(self.at)


# Each hands on the frame it stands in: ``at`` is called where a call of it would end.
def one_line(at):
    at(sys._getframe())


def two_lines(first, second):
    first(sys._getframe())
    second(sys._getframe())


def another(at):
    at(sys._getframe())


def calls(function, *args):
    function(*args)


def also_calls(function, *args):
    function(*args)


def suspended():
    yield


def of_module(module, name, function):
    """The same function, by another name and of another module."""
    return FunctionType(function.__code__.replace(co_name=name), {"__name__": module, "sys": sys})


run_step = of_module("asyncio.events", "_run", calls)


class Written:
    """A class written in Python: what a call of it runs has its own frames."""

    def __init__(self):
        pass


def own_s(calls_kept):
    return [(call.name, call.own_s) for call in calls_kept]
