"""Finds out whether code uses the database, from the names in its bytecode, without running it.

A class or function uses the database if it names a model, or a function or class of the site that does. Models that
are reached in other ways (arguments, ``getattr``, libraries) are not found.
"""

import inspect
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from django.db.models import Model

MAX_EXAMINED = 500
_LIBRARIES = ("django", "channels", "asgiref")


def model_named_by(start: type) -> str:
    """Return the dotted name of the first model that the class names, itself or through others; empty for none."""
    waiting: list[object] = [start]
    seen = set[int]()
    while waiting and len(seen) < MAX_EXAMINED:
        used = waiting.pop(0)
        if id(used) in seen:
            continue
        seen.add(id(used))
        if isinstance(used, type) and issubclass(used, Model):
            return f"{used.__module__}.{used.__qualname__}"
        if _is_of_the_site(used):
            waiting += _used_by(used)
    return ""


def _is_of_the_site(used: object) -> bool:
    return str(getattr(used, "__module__", None)).partition(".")[0] not in _LIBRARIES


def _used_by(used: object) -> Iterator[object]:
    if isinstance(used, type):
        yield from (member for each in used.__mro__ if _is_of_the_site(each) for member in vars(each).values())
        return
    function = inspect.unwrap(used)  # type: ignore[arg-type]
    if isinstance(function, FunctionType):
        for code in _codes(function.__code__):
            yield from _named(code.co_names, function.__globals__)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code and that of the functions defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _named(names: tuple[str, ...], namespace: dict[str, Any]) -> Iterator[object]:
    """Yield the objects of these names: globals, imports inside the function, and attributes of modules among them."""
    for name in names:
        value = namespace.get(name, sys.modules.get(name))
        if isinstance(value, ModuleType):
            yield from (vars(value)[other] for other in names if other in vars(value))
        elif isinstance(value, type | FunctionType):
            yield value
