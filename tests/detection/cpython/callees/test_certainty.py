"""A call is certain unless an operation before it may have kept the GIL."""

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


def test_a_call_is_certain_unless_something_may_have_taken_long_since_the_gil_was_offered():
    assert seen(plain).is_certain
    assert not seen(after_an_operator).is_certain
    assert seen(after_an_operator_and_a_call).is_certain
    assert not seen(after_an_operator_and_a_quick_call).is_certain
    assert seen(with_a_list_of_arguments).is_certain
    assert not seen(after_a_list).is_certain
