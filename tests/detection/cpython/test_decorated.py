"""What a library's function is called by, where its code goes by another name."""

import functools
import sys
import types

import django.db.models.manager as managers
import django.views.decorators.debug as debug
import pytest
from django.contrib import auth
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Manager, QuerySet

from loopwatch.detection.cpython.decorated import MAX_WRAPPERS, generated_method, is_decorated, property_of


def deprecated(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


def timed(function):
    @functools.wraps(function)
    def timer(*arguments):
        return function(*arguments)

    return timer


def bare(function):
    def wrapper():
        return function()

    return wrapper


def plain():
    pass


@deprecated
def send():
    pass


@timed
@deprecated
def fetch():
    pass


@bare
def unknown():
    pass


class Meta(type):
    def __getattribute__(cls, name):
        raise AssertionError(name)


class Client(metaclass=Meta):
    @deprecated
    def get(self):
        pass

    @staticmethod
    @deprecated
    def static():
        pass

    @classmethod
    @deprecated
    def of_class(cls):
        pass

    def _get_body(self):
        pass

    def _get_twice(self):
        pass

    body = property(_get_body)
    first, second = property(_get_twice), property(_get_twice)


def members(of):
    return type.__getattribute__(of, "__dict__")


def codes(function):
    """The code of a function and of all that it wraps."""
    function = getattr(function, "__func__", function)
    while function is not None:
        yield function.__code__
        function = getattr(function, "__wrapped__", None)


WRAPPER, SEND = codes(send)
PLAIN = plain.__code__
TIMER, _, FETCH = codes(fetch)


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param(codes(send), id="a function"),
        pytest.param(codes(fetch), id="a function with two decorators"),
        pytest.param([WRAPPER, FETCH], id="a function, below the inner one of two decorators"),
        pytest.param(codes(members(Client)["get"]), id="a method, whatever its metaclass does"),
        pytest.param(codes(members(Client)["static"]), id="a static method"),
        pytest.param(codes(members(Client)["of_class"]), id="a class method"),
    ],
)
def test_a_wrapper_decorates(chain):
    assert is_decorated(tuple(chain), __name__, __name__)


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param([WRAPPER, PLAIN], id="a function that it does not wrap"),
        pytest.param([TIMER, SEND], id="a function that another one wraps"),
        pytest.param([TIMER, FETCH], id="a function that it wraps with another one in between"),
        pytest.param([SEND, WRAPPER], id="what is around it"),
        pytest.param([unknown.__code__, bare(plain).__code__], id="a function that it hides"),
        pytest.param([WRAPPER, bare(plain).__code__], id="a function that cannot be looked up"),
    ],
)
def test_a_wrapper_does_not_decorate(chain):
    assert not is_decorated(tuple(chain), __name__, __name__)


def test_a_module_that_is_not_loaded_is_not_looked_into():
    assert not is_decorated((WRAPPER, SEND), "shop.gone", "shop.gone")


def test_a_module_is_not_asked_for_names_that_it_lacks(monkeypatch):
    module = types.ModuleType("shop")
    module.__getattr__ = pytest.fail
    monkeypatch.setitem(sys.modules, "shop", module)
    assert not is_decorated((WRAPPER, SEND), "shop", "shop")


@pytest.mark.parametrize(("wrappers", "is_found"), [(MAX_WRAPPERS, True), (MAX_WRAPPERS + 1, False)])
def test_not_more_wrappers_are_followed_than_a_stack_is_searched_for(wrappers, is_found, monkeypatch):
    function = plain
    for _ in range(wrappers):
        function = deprecated(function)
    monkeypatch.setattr(f"{__name__}.plain", function)
    assert is_decorated.__wrapped__((WRAPPER, PLAIN), __name__, __name__) is is_found


def test_djangos_authenticate_is_decorated():
    assert is_decorated(tuple(codes(auth.authenticate)), debug.__name__, auth.__name__)


def test_the_methods_of_djangos_managers_are_those_of_query_sets():
    chain = (Manager.bulk_create.__code__, QuerySet.bulk_create.__code__)
    assert is_decorated(chain, managers.__name__, QuerySet.__module__)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        pytest.param(ASGIRequest._get_files, "ASGIRequest.FILES", id="of Django's requests"),
        pytest.param(members(Client)["_get_body"], "Client.body", id="whatever its metaclass does"),
        pytest.param(members(Client)["_get_twice"], "", id="not if two are"),
        pytest.param(ASGIRequest._get_scheme, "", id="not if none is"),
        pytest.param(plain, "", id="not of a module"),
    ],
)
def test_the_property_that_a_function_is_read_by(function, name):
    assert property_of(function.__code__, function.__module__) == name


class Service(metaclass=Meta):
    pass


def make_method():
    def call(self):
        pass

    return call


SERVICES = [type(name, (Service,), {"put": make_method(), "list": make_method()}) for name in ("Store", "Store")]
QUEUE = type("Queue", (Service,), {"list": make_method()})
CALL = make_method().__code__


@pytest.mark.parametrize(
    ("code", "method", "name"),
    [
        pytest.param(CALL, "put", "Store.put", id="of a class that was made, twice"),
        pytest.param(CALL, "list", "", id="not if classes of different names have it"),
        pytest.param(CALL, "get", "", id="not if no class has it"),
        pytest.param(PLAIN, "put", "", id="not if it runs other code"),
    ],
)
def test_the_method_that_a_library_has_made(code, method, name):
    assert generated_method(code, __name__, method) == name
