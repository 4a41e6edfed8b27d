"""The name of a module is read from its namespace without running code of its values' classes."""

import pytest

from loopwatch.detection.cpython.namespaces import module_name


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
