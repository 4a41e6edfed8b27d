"""Namespaces of modules and classes are read without running any of their code."""

import sys
from pathlib import PurePath
from types import ModuleType

import pytest
from django.utils.functional import SimpleLazyObject

from loopwatch.detection.cpython.namespaces import (
    file_of_module,
    look_up,
    module_name,
    namespace_of,
    own_attribute,
    static_attribute,
)


class Raises(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError

    __repr__ = __str__


class RaisesToo(dict):
    def get(self, key, default=None):
        raise RuntimeError


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ({"__name__": "shop.views"}, "shop.views"),
        (RaisesToo(__name__="shop.views"), "shop.views"),
        ({}, ""),
        ({"__name__": None}, ""),
        ({"__name__": Raises("shop")}, ""),
    ],
)
def test_a_module_is_named_by_a_plain_string_only(namespace, name):
    assert module_name(namespace) == name


class Lazy(ModuleType):
    """A module that is imported when an attribute is first read, as those of ``importlib.util.LazyLoader``."""

    def __getattribute__(self, name):
        raise RuntimeError(name)


class Computed(ModuleType):
    """A module with a computed dictionary, as those of apipkg."""

    @property
    def __dict__(self):
        raise RuntimeError


def loaded(monkeypatch, kind, **attributes):
    module = kind("shop.lazy")
    vars(ModuleType)["__dict__"].__get__(module).update(attributes)
    monkeypatch.setitem(sys.modules, "shop.lazy", module)
    return module


@pytest.mark.parametrize("kind", [Lazy, Computed])
def test_a_namespace_is_read_without_running_code_of_its_module(kind, monkeypatch):
    module = loaded(monkeypatch, kind, __file__="/srv/shop/lazy.py", price=1)
    assert file_of_module("shop.lazy") == "/srv/shop/lazy.py"
    assert namespace_of(module)["price"] == 1
    assert look_up("shop.lazy", "price") == 1


@pytest.mark.parametrize(
    "attributes", [{}, {"__file__": None}, {"__file__": PurePath("lazy.py")}], ids=["none", "None", "a path"]
)
def test_the_file_of_a_module_is_a_plain_string_or_empty(attributes, monkeypatch):
    loaded(monkeypatch, ModuleType, **attributes)
    assert file_of_module("shop.lazy") == ""


def test_a_module_that_is_not_loaded_has_no_file():
    assert file_of_module("shop.no_such_module") == ""


def test_a_namespace_is_read_without_running_code_of_its_metaclass():
    class Meta(type):
        @property
        def __dict__(cls):
            raise RuntimeError

    class Shop(metaclass=Meta):
        price = 1

    assert namespace_of(Shop)["price"] == 1


def test_an_attribute_is_found_without_comparing_or_hashing_its_class():
    class Compared(type):
        __hash__ = None

        def __eq__(cls, other):
            return cls is other

    class Shop(metaclass=Compared):
        price = 1

    assert static_attribute(Shop(), "price", "unknown") == 1


def test_an_attribute_is_the_one_that_the_interpreter_finds_first():
    class Data:
        def __get__(self, *_):
            raise RuntimeError

        __set__ = __get__

    class Shop:
        kept = computed = inherited = "of the class"

    computed = Shop.computed = Data()
    shop = Shop()
    vars(shop).update(kept="its own", computed="hidden")
    assert [static_attribute(shop, name) for name in ("kept", "computed", "inherited")] == [
        "its own",
        computed,
        "of the class",
    ]
    assert static_attribute(Shop, "kept") == "of the class"
    assert static_attribute(Shop, "mro") is vars(type)["mro"]


def test_an_attribute_is_found_without_running_code_of_its_class():
    class Shop:
        price = property(lambda _: 1 / 0)

        def __getattr__(self, _):
            raise RuntimeError

    assert static_attribute(Shop(), "price") is vars(Shop)["price"]
    assert static_attribute(Shop(), "parts", "none") == "none"


evaluated = []


@pytest.mark.parametrize("name", ["_setupfunc", "_wrapped", "__name__", "__class__"])
def test_nothing_is_read_from_a_proxy_because_one_written_in_c_would_evaluate_its_object(name):
    proxy = SimpleLazyObject(lambda: evaluated.append("evaluated"))
    assert static_attribute(proxy, name, "unknown") == "unknown"
    assert own_attribute(proxy, name) is None
    assert evaluated == []


def test_an_instances_own_attribute_is_read_without_running_code_of_its_class():
    class Shop:
        price = 1

        def __getattribute__(self, name):
            raise RuntimeError(name)

    class Computed(Shop):
        __dict__ = property(lambda _: 1 / 0)

    class Proxy(Shop):
        __class__ = property(lambda _: int)

    vars(Shop)["__dict__"].__get__(shop := Shop())["price"] = 2
    vars(Shop)["__dict__"].__get__(proxy := Proxy())["price"] = 2
    assert own_attribute(shop, "price") == 2
    assert [own_attribute(each, "price") for each in (Shop(), Computed(), proxy, object())] == [None] * 4
