"""Looking for the callee runs no code of the objects on the way, and leaves the variables as they are."""

from collections import UserDict

import pytest

from loopwatch.detection.cpython.namespaces import variable
from loopwatch.detection.cpython.qualified_names import name_of_c_callable
from loopwatch.detection.cpython.templates import template_at
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
    __getattribute__ = forbidden("__getattribute__ of the class")
    __instancecheck__ = forbidden("__instancecheck__")
    __eq__ = forbidden("__eq__ of the class")
    __hash__ = forbidden("__hash__ of the class")


class Rows(dict, metaclass=TouchyType):
    """A class written in Python over one written in C."""


class TouchyVariables(dict):
    """What code that ``exec()`` runs may have as its variables."""

    get = forbidden("get")
    __contains__ = forbidden("__contains__")


class OfTouchyType(metaclass=TouchyType):
    wait = lock.acquire


touchy_wait = type.__getattribute__(OfTouchyType, "wait")


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
        (call, touchy_wait),
        (enter, ContextOfC()),
    ],
    ids=["a local", "a disguised local", "a method", "an object called", "a class", "a context"],
)
def test_looking_runs_nothing_of_an_object(function, argument):
    touched.clear()
    callee = seen(function, argument)
    assert touched == []
    assert callee is None or callee.name == "threading.Lock.acquire" or not callee.is_resolved


@pytest.mark.parametrize(
    ("function", "name"),
    [(Rows().update, "dict.update"), (Rows, f"{__name__}.Rows"), (Rows(), f"{__name__}.Rows")],
    ids=["a method", "a class", "an object"],
)
def test_naming_runs_nothing_of_a_metaclass(function, name):
    touched.clear()
    assert name_of_c_callable(function) == name
    assert touched == []


@pytest.mark.parametrize("name", ["shop", Touchy()], ids=["a name", "no name"])
def test_looking_runs_nothing_of_odd_variables(name):
    touched.clear()
    variables = TouchyVariables(wait=lock.acquire, __name__=name)
    exec(compile("def made():\n    wait()", __file__, "exec"), variables)
    made = dict.get(variables, "made")
    assert seen(made).name == "threading.Lock.acquire"
    assert template_at(made.__code__, made.__globals__, None) is None
    assert touched == []


def test_a_variable_is_not_looked_up_in_a_mapping_of_the_site():
    class Variables(UserDict):
        get = __getitem__ = __contains__ = forbidden("a method of the mapping")

    touched.clear()
    assert variable(Variables(), "wait", "unknown") == "unknown"
    assert touched == []


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
