"""The function in which a lambda, a generator expression or a comprehension is written."""

import functools
import inspect
import sys

import pytest

from loopwatch.detection.cpython.places import NAMELESS, place_of

given = lambda *_: sys._getframe()  # noqa: E731
TABLE = {"item": lambda *_: sys._getframe()}
OF_MODULE = next(sys._getframe() for _ in range(1))


@functools.singledispatch
def show(_item):
    return None


@show.register
def _(_item: int):
    return sys._getframe()


@show.register
def _(_item: list | tuple):
    return sys._getframe()


def _(_item):
    return sys._getframe()


class Cart:
    of_class = classmethod(lambda *_: sys._getframe())
    total = property(lambda *_: sys._getframe())
    frames = (lambda *_: sys._getframe(),)

    def in_method(self):
        return next(sys._getframe() for _ in range(1))

    @functools.singledispatchmethod
    def add(self, _item):
        return None

    @add.register
    def _(self, _item: str):
        return sys._getframe()

    @add.register
    @classmethod
    def _(cls, _item: bytes):
        return sys._getframe()


def function():
    return next(sys._getframe() for _ in range(1))


def comprehension():
    frames = [sys._getframe() for _ in range(1)]
    return frames[0]


def nested():
    make = lambda: next(sys._getframe() for _ in range(1))  # noqa: E731
    return next(make() for _ in range(1))


def of_local_class():
    class Order:
        total = property(lambda *_: sys._getframe())

    return Order().total


def plain():
    return sys._getframe()


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        pytest.param(plain(), "plain", id="of a function itself"),
        pytest.param(function(), "function", id="in a function"),
        pytest.param(comprehension(), "comprehension", id="of a comprehension"),
        pytest.param(nested(), "nested", id="of a generator in a lambda"),
        pytest.param(Cart().in_method(), "Cart.in_method", id="in a method"),
        pytest.param(of_local_class(), "of_local_class.<locals>.Order", id="in a class that cannot be looked up"),
        pytest.param(given(), "given", id="of a lambda that has been given a name"),
        pytest.param(Cart.of_class(), "Cart.of_class", id="of a class method"),
        pytest.param(Cart().total, "Cart.total", id="of a property"),
        pytest.param(Cart.frames[0](), "Cart", id="of a lambda in the body of a class"),
        pytest.param(TABLE["item"](), "<module>", id="of a lambda in the body of a module"),
        pytest.param(OF_MODULE, "<module>", id="of a generator in the body of a module"),
        pytest.param(show(1), "show (int)", id="of an implementation of a generic function"),
        pytest.param(show(()), "show (list | tuple)", id="of an implementation for two types"),
        pytest.param(Cart().add("book"), "Cart.add (str)", id="of an implementation of a generic method"),
        pytest.param(Cart().add(b"book"), "Cart.add (bytes)", id="of one that is a class method"),
        pytest.param(_(1), "_", id="of a function that is only called so"),
    ],
)
def test_the_place(frame, place):
    assert place_of(frame.f_code, __name__) == place


def test_a_lambda_of_a_module_that_is_not_loaded_is_in_its_body():
    assert place_of(given.__code__, "shop.gone") == "<module>"


def test_every_nameless_function_of_this_python_is_known():
    code = compile("[(x for x in y), [x for x in y], {x for x in y}, {x: x for x in y}, lambda: 0]", "<string>", "eval")
    assert {each.co_name for each in code.co_consts if inspect.iscode(each)} <= NAMELESS
