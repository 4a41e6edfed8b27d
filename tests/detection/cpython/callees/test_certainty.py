"""A call is certain unless an operation before it may have kept the GIL."""

import re

from tests.detection.cpython.callees.waiting import lock, seen


def plain():
    lock.acquire()


def after_an_operator(number=3):
    _ = number**number
    lock.acquire()


def after_an_operator_and_a_call(number=3):
    _ = number**number
    abs(number)
    lock.acquire()


def after_an_operator_and_a_quick_call(number=3):
    _ = number**number
    len("")
    lock.acquire()


def with_a_list_of_arguments(arguments=(True,)):
    lock.acquire(*arguments, timeout=60)


def after_a_list(arguments=(True,)):
    _ = [*arguments]
    lock.acquire()


def power(number):
    return number**number


def powers(number):
    yield number
    return number**number


class Number:
    def power(self):
        return 3**self.exponent

    def wait(self):
        self.power()
        lock.acquire()

    exponent = 3


def after_a_function_that_ends_with_an_operator(number=3):
    power(number)
    lock.acquire()


def after_a_bound_method():
    method = Number().power
    method()
    lock.acquire()


def after_a_generator_was_made(number=3):
    powers(number)
    lock.acquire()


def after_a_function_that_ends_with_a_call(number=3):
    plain_call(number)
    lock.acquire()


def plain_call(number):
    _ = number**number
    return abs(number)


def after_a_function_of_a_library(pattern=""):
    re._compile(pattern, 0)
    lock.acquire()


def test_a_call_is_certain_unless_something_may_have_taken_long_since_the_gil_was_offered():
    assert seen(plain).is_certain
    assert not seen(after_an_operator).is_certain
    assert seen(after_an_operator_and_a_call).is_certain
    assert not seen(after_an_operator_and_a_quick_call).is_certain
    assert seen(with_a_list_of_arguments).is_certain
    assert not seen(after_a_function_that_ends_with_an_operator).is_certain
    assert not seen(Number().wait).is_certain
    assert not seen(after_a_bound_method).is_certain
    assert seen(after_a_function_of_a_library).is_certain
    assert seen(after_a_function_that_ends_with_a_call).is_certain
    assert seen(after_a_generator_was_made).is_certain
    assert not seen(after_a_list).is_certain
