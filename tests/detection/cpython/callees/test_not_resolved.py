"""A callable that is computed is named correctly or not at all."""

import pytest

from tests.detection.cpython.callees.waiting import lock, seen


def from_a_subscript():
    waits = {"first": lock.acquire}
    waits["first"]()


def from_a_list():
    waits = [lock.acquire]
    waits[0]()


def from_a_result():
    def waiter():
        return lock.acquire

    waiter()()


def from_a_method():
    {"first": lock.acquire}.get("first")()


def from_a_condition():
    (lock.acquire if lock else None)()


def from_an_alternative():
    (None or lock.acquire)()


def from_an_assignment():
    (wait := lock.acquire)()
    return wait


@pytest.mark.parametrize(
    "function",
    [
        from_a_subscript,
        from_a_list,
        from_a_result,
        from_a_method,
        from_a_condition,
        from_an_alternative,
        from_an_assignment,
    ],
    ids=lambda function: function.__name__,
)
def test_a_function_that_is_computed_is_named_correctly_or_not_at_all(function):
    callee = seen(function)
    assert callee is None or not callee.is_resolved or callee.name == "threading.Lock.acquire"


@pytest.mark.parametrize("function", [from_a_result, from_a_method], ids=lambda function: function.__name__)
def test_what_a_call_returned_is_not_named_after_what_made_it(function):
    assert seen(function).name == ""


class Pool:
    @property
    def computed(self):
        return lock

    def wait(self):
        self.computed.acquire()


def test_a_property_on_the_way_gives_the_source():
    callee = seen(Pool().wait)
    assert callee.name == "self.computed.acquire"
    assert not callee.is_resolved


def plain():
    lock.acquire()


def without_positions():
    exec(plain.__code__.replace(co_linetable=b""), {"lock": lock})


def test_code_without_positions_names_nothing():
    callee = seen(without_positions)
    assert callee.name == ""
    assert not callee.is_resolved
