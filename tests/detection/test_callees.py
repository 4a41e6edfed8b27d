"""Which C function a frame is calling: told for a thread that really waits in it, and without running its code."""

import functools
import io
import os
import queue
import sys
import threading
import time
from contextlib import ExitStack, suppress
from time import sleep as nap

import pytest

from loopwatch.detection.callees import callee_at

WITHIN_S = 5.0
lock = threading.Lock()
"""Held while a function is looked at, so that whoever acquires it waits."""


def seen(function, *arguments):
    """What is said of the place where ``function`` waits, as soon as it has been there for a while."""
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    lock.acquire()
    try:
        thread.start()
        return _callee_when_it_waits(thread)
    finally:
        lock.release()
        thread.join(WITHIN_S)
        assert not thread.is_alive()
        if lock.locked():
            lock.release()


def _callee_when_it_waits(thread, code=None):
    deadline = time.monotonic() + WITHIN_S
    places = [None]
    while len(places) < 4 or any(place != places[-1] for place in places[-4:]):
        assert time.monotonic() < deadline, "It does not wait"
        time.sleep(0.001)
        frame = sys._current_frames()[thread.ident]
        is_here = frame.f_code.co_filename == __file__
        places.append((frame.f_code, frame.f_lasti) if is_here else len(places))
    return callee_at(frame, frame.f_lasti)


class Pool:
    def __init__(self):
        self.lock = lock
        self.__hidden = lock

    @property
    def computed(self):
        return self.lock

    def wait(self):
        self.lock.acquire()

    def wait_hidden(self):
        self.__hidden.acquire()

    def wait_computed(self):
        self.computed.acquire()


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
    lock.acquire(blocking=True, timeout=10)


def unpacked():
    arguments = (True, 10)
    lock.acquire(*arguments)


def unpacked_keywords():
    arguments = {"timeout": 10}
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
        10,
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


def in_class_body():
    class Inner:
        _ = lock.acquire()


def beside_awkward_names():
    locals_of_another = 1
    lock.acquire()
    return locals_of_another


RESOLVED = [
    *(global_name, argument, alias, closure, keywords, unpacked, unpacked_keywords, context, context_of_attribute),
    *(second_context, as_argument, as_condition, as_operand, over_lines, in_comprehension, in_lambda, in_f_string),
    *(in_loop, in_try, partial, partial_of_partial, in_class_body, beside_awkward_names),
    *(Pool().wait, Pool().wait_hidden, Site().wait, Slotted().wait, Shared().wait, Shared.wait_class),
]


@pytest.mark.parametrize("function", RESOLVED, ids=lambda function: function.__qualname__)
def test_it_is_resolved(function):
    callee = seen(function)
    assert callee is not None
    assert callee.name == "threading.Lock.acquire"
    assert callee.is_resolved


def after_an_operator(number=3):
    _ = number**number
    lock.acquire()


def after_an_operator_and_a_call(number=3):
    _ = number**number
    abs(number)
    lock.acquire()


def test_a_call_is_certain_unless_something_may_have_taken_long_since_the_gil_was_offered():
    assert seen(global_name).is_certain
    assert not seen(after_an_operator).is_certain
    assert seen(after_an_operator_and_a_call).is_certain


# Other C functions


class Jobs(queue.SimpleQueue):
    def get_next(self):
        with suppress(queue.Empty):
            super().get(timeout=0.05)

    def get_next_in_the_old_way(self):
        with suppress(queue.Empty):
            super().get(timeout=0.05)


class MoreJobs(Jobs):
    """Inherits what it does."""


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda: time.sleep(0.05), "time.sleep"),
        (lambda: nap(0.05), "time.sleep"),
        (Jobs().get_next, "queue.SimpleQueue.get"),
        (MoreJobs().get_next, "queue.SimpleQueue.get"),
        (lambda: "".join(iter(lambda: time.sleep(0.05) or "", "")), "time.sleep"),
        (lambda: list(map(time.sleep, [0.05])), "list"),
        (lambda: sorted([0.05], key=time.sleep), "sorted"),
    ],
)
def test_other_functions(function, name):
    callee = seen(function)
    assert callee is not None
    assert callee.name == name
    assert callee.is_resolved


def lines_of(pipe):
    for _line in pipe:
        pass


def test_a_loop_over_a_pipe():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as pipe, ExitStack() as stack:
        thread = threading.Thread(target=lines_of, args=[pipe])
        thread.start()
        stack.callback(thread.join)
        stack.callback(os.close, write_end)
        callee = _callee_when_it_waits(thread)
    assert callee.name == "io.TextIOWrapper.__next__"
    assert callee.is_resolved


# What cannot be resolved is never guessed


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


def from_a_condition():
    (lock.acquire if lock else None)()


def from_an_alternative():
    (None or lock.acquire)()


def from_an_assignment():
    (wait := lock.acquire)()
    return wait


def super_in_the_old_way():
    Jobs().get_next_in_the_old_way()


@pytest.mark.parametrize(
    "function",
    [from_a_subscript, from_a_list, from_a_result, from_a_condition, from_an_alternative, from_an_assignment],
    ids=lambda function: function.__name__,
)
def test_a_function_that_is_computed_is_told_right_or_not_at_all(function):
    callee = seen(function)
    assert callee is None or not callee.is_resolved or callee.name == "threading.Lock.acquire"


def test_super_with_arguments_is_told_right_or_not_at_all():
    callee = seen(super_in_the_old_way)
    assert callee is None or not callee.is_resolved or callee.name == "queue.SimpleQueue.get"


def test_a_property_on_the_way_gives_the_source():
    callee = seen(Pool().wait_computed)
    assert callee.name == "self.computed.acquire"
    assert not callee.is_resolved


def without_positions():
    exec(global_name.__code__.replace(co_linetable=b""), {"lock": lock})


def test_code_without_positions_names_nothing():
    assert seen(without_positions) is None


# Nobody's code is run


touched = []


class ForbiddenError(Exception):
    pass


def forbidden(name):
    def touch(*_):
        touched.append(name)
        raise ForbiddenError

    return touch


class Touchy:
    """All that looking at an object may run is noted, and fails."""

    __getattr__ = forbidden("__getattr__")
    __repr__ = forbidden("__repr__")
    __eq__ = forbidden("__eq__")
    __hash__ = forbidden("__hash__")
    __bool__ = forbidden("__bool__")


class Disguised(Touchy):
    """As lazy objects do, it asks what it stands for of which class it is."""

    __class__ = property(forbidden("__class__"))


class CallsC(Disguised):
    """An object whose call is a C function's."""

    __call__ = lock.acquire


class TouchyType(type):
    __getattr__ = forbidden("__getattr__ of the class")
    __instancecheck__ = forbidden("__instancecheck__")


class OfTouchyType(metaclass=TouchyType):
    wait = lock.acquire


class Proxy(Disguised):
    """Its method is another object's."""

    def __getattribute__(self, name):
        if name == "acquire":
            return lock.acquire
        return forbidden(f"__getattribute__ {name}")()


class ContextOfC(Disguised):
    __enter__ = lock.acquire

    def __exit__(self, *_):
        return None


def method_of(proxy):
    proxy.acquire()


def wait_beside(local):
    lock.acquire()
    return local is None


def wait_of_type():
    OfTouchyType.wait()


def call(what):
    what()


def enter(what):
    with what:
        pass


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (wait_beside, Touchy()),
        (wait_beside, Disguised()),
        (method_of, Proxy()),
        (call, CallsC()),
        (call, OfTouchyType.wait),
        (enter, ContextOfC()),
    ],
    ids=["a local", "a disguised local", "a method", "an object called", "a class", "a context"],
)
def test_looking_runs_nothing_of_an_object(function, argument):
    touched.clear()
    callee = seen(function, argument)
    assert touched == []
    assert callee is None or callee.name == "threading.Lock.acquire" or not callee.is_resolved


def asks_for_its_variables(kept, argument):
    variables = locals()
    lock.acquire()
    kept.update(variables)


def test_the_variables_that_the_code_asked_for_are_not_emptied():
    kept = {}
    seen(asks_for_its_variables, kept, 42)
    assert kept["argument"] == 42


def keeps_a_variable(kept, argument):
    doubled = 2 * argument
    lock.acquire()
    kept.append((argument, doubled))


def test_the_variables_of_the_code_stay_as_they_are():
    kept = []
    seen(keeps_a_variable, kept, 42)
    assert kept == [(42, 84)]
