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


def test_a_call_is_certain_unless_something_may_have_taken_long_since_the_gil_was_offered():
    assert seen(plain).is_certain
    assert not seen(after_an_operator).is_certain
    assert seen(after_an_operator_and_a_call).is_certain
