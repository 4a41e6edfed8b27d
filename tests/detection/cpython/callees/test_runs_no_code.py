"""Looking for the callee runs no code of the objects on the way, and leaves the variables as they are."""

import pytest

from tests.detection.cpython.callees.waiting import lock, seen

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


def test_a_proxy_that_is_called_goes_by_the_source_because_only_its_object_knows_the_function():
    callee = seen(call, CallsC())
    assert (callee.name, callee.is_resolved) == ("what", False)


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
