"""A call is resolved to its C function however it is written."""

import functools
import io

import pytest

from tests.detection.cpython.callees.waiting import lock, seen


class Pool:
    def __init__(self):
        self.lock = lock
        self.__hidden = lock

    def wait(self):
        self.lock.acquire()

    def wait_hidden(self):
        self.__hidden.acquire()


class Site:
    def __init__(self):
        self.pool = Pool()

    def wait(self):
        self.pool.lock.acquire()


class Slotted:
    __slots__ = ("lock",)

    def __init__(self):
        self.lock = lock

    def wait(self):
        self.lock.acquire()


class Shared:
    lock = lock

    def wait(self):
        self.lock.acquire()

    @classmethod
    def wait_class(cls):
        cls.lock.acquire()


def global_name():
    lock.acquire()


def argument(given=lock):
    given.acquire()


def alias():
    wait = lock.acquire
    wait()


def closure():
    kept = lock

    def inner():
        kept.acquire()

    inner()


def keywords():
    lock.acquire(blocking=True, timeout=60)


def unpacked():
    arguments = (True, 60)
    lock.acquire(*arguments)


def unpacked_keywords():
    arguments = {"timeout": 60}
    lock.acquire(**arguments)


def context():
    with lock:
        pass


def context_of_attribute():
    pool = Pool()
    with pool.lock:
        pass


def second_context():
    with io.StringIO(), lock:
        pass


def as_argument():
    print(str(lock.acquire()), file=io.StringIO())


def as_condition():
    if not lock.acquire():
        raise AssertionError


def as_operand():
    _ = 1 + lock.acquire() + 1


def over_lines():
    lock.acquire(
        True,
        60,
    )


def in_comprehension():
    _ = [lock.acquire() for _ in range(1)]


def in_lambda():
    wait = lambda: lock.acquire()  # noqa: E731, PLW0108
    wait()


def in_f_string():
    _ = f"{lock.acquire()} and more"


def in_loop():
    for _ in range(1):
        while not lock.acquire():
            pass


def in_try():
    try:
        lock.acquire()
    finally:
        pass


def partial():
    wait = functools.partial(lock.acquire, True)
    wait()


def partial_of_partial():
    wait = functools.partial(functools.partial(lock.acquire), True)
    wait()


def cached():
    wait = functools.cache(lock.acquire)
    wait()


def partial_of_a_cache():
    wait = functools.partial(functools.cache(lock.acquire), True)
    wait()


def in_class_body():
    class Inner:
        _ = lock.acquire()


def beside_awkward_names():
    locals_of_another = 1
    lock.acquire()
    return locals_of_another


WAITS = {"first": lock.acquire, 2: lock.acquire}
BY_POSITION = [None, lock.acquire]


def item_of_a_table():
    WAITS["first"]()


def item_of_a_table_by_number():
    WAITS[2](True, timeout=60)


def item_by_a_local_key(key="first"):
    WAITS[key]()


def item_of_a_local_table():
    table, key = {"first": lock.acquire}, "first"
    table[key]()


def item_of_a_list():
    BY_POSITION[-1]()


def method_of_an_item():
    pools = {"first": Pool()}
    pools["first"].lock.acquire()


def chain_over_lines():
    pool = Pool()
    (
        pool.lock.acquire(
            True,
        )
    )


def beside_a_store_on_the_same_line():
    wait = lock.acquire; wait()  # fmt: skip  # noqa: E702


def in_a_loop_over_functions():
    _ = [wait() for wait in [lock.acquire]]


def with_conditions_as_arguments(yes=True):
    lock.acquire(yes or lock, timeout=60 if yes else lock)


def in_finally():
    try:
        pass
    finally:
        lock.acquire()


def in_match():
    match 3:
        case 3 if lock.acquire():
            pass


RESOLVED = [
    *(global_name, argument, alias, closure, keywords, unpacked, unpacked_keywords, context, context_of_attribute),
    *(second_context, as_argument, as_condition, as_operand, over_lines, in_comprehension, in_lambda, in_f_string),
    *(in_loop, in_try, partial, partial_of_partial, cached, partial_of_a_cache, in_class_body, beside_awkward_names),
    *(item_of_a_table, item_of_a_table_by_number, item_by_a_local_key, item_of_a_local_table, item_of_a_list),
    *(method_of_an_item, chain_over_lines, with_conditions_as_arguments, in_finally, in_match),
    *(beside_a_store_on_the_same_line, in_a_loop_over_functions),
    *(Pool().wait, Pool().wait_hidden, Site().wait, Slotted().wait, Shared().wait, Shared.wait_class),
]


@pytest.mark.parametrize("function", RESOLVED, ids=lambda function: function.__qualname__)
def test_a_written_call_is_resolved(function):
    callee = seen(function)
    assert callee is not None
    assert callee.name == "threading.Lock.acquire"
    assert callee.is_resolved
