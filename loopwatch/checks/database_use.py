"""Finds out whether code uses the database, from the names in its bytecode, without running it.

A class or function uses the database if it names a model, or a function or class of the site that does. Models that
are reached in other ways (arguments, ``getattr``, libraries) are not found. No object of the site is asked for an
attribute: a lazy object might query the database, and ``manage.py migrate`` runs the checks before there are tables.
"""

import sys
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any, TypeGuard

from django.db.models import Model

from loopwatch.detection.cpython.namespaces import (
    ancestors,
    code_of,
    module_and_qualname,
    namespace_of,
    own_attribute,
    unbound,
)

MAX_EXAMINED = 500
MOST_WRAPPERS = 20
_LIBRARIES = ("django", "channels", "asgiref")


def model_named_by(start: type) -> str:
    """Return the dotted name of the first model that the class names, itself or through others; empty for none.

    Never raises: a class that cannot be examined names none.
    """
    try:
        return _model_named_by(start)
    except Exception:  # noqa: BLE001 - a check must not end the command
        return ""


def _model_named_by(start: type) -> str:
    waiting: list[object] = [start]
    seen = set[int]()
    while waiting and len(seen) < MAX_EXAMINED:
        used = waiting.pop(0)
        if id(used) in seen:
            continue
        seen.add(id(used))
        if _is_class(used) and issubclass(used, Model):
            return ".".join(module_and_qualname(used))
        if _is_of_the_site(used):
            waiting += _used_by(used)
    return ""


def _is_class(used: object) -> TypeGuard[type]:
    return issubclass(type(used), type)


def _is_of_the_site(used: object) -> bool:
    return module_and_qualname(used)[0].partition(".")[0] not in _LIBRARIES


def _used_by(used: object) -> Iterator[object]:
    if _is_class(used):
        for each in filter(_is_of_the_site, ancestors(used)):
            yield from namespace_of(each).values()
        return
    function = _unwrapped(used)
    if (outermost := code_of(function)) is not None:
        for code in _codes(outermost):
            yield from _named(code.co_names, function.__globals__)


def _unwrapped(function: Any) -> Any:
    """Return the function that decorators have wrapped, as far as they say."""
    for _ in range(MOST_WRAPPERS):
        function = unbound(function)
        wrapped = own_attribute(function, "__wrapped__")
        if wrapped is None:
            break
        function = wrapped
    return function


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code and that of the functions defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _named(names: tuple[str, ...], namespace: dict[str, Any]) -> Iterator[object]:
    """Yield the objects of these names: globals, imports inside the function, and attributes of modules among them."""
    for name in names:
        value = dict.get(namespace, name, sys.modules.get(name))
        if issubclass(type(value), ModuleType):
            members = namespace_of(value)
            yield from (members[other] for other in names if other in members)
        elif _is_class(value) or code_of(value) is not None:
            yield value
