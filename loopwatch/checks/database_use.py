"""Whether code has to do with the database: told from the names it uses, without running any of it.

A class or function does if it names a model, or a function or class of the site that does. What it reaches in other
ways (through arguments, ``getattr``, libraries) stays unseen.
"""

import inspect
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from django.db.models import Model

MOST_LOOKED_AT = 500
_LIBRARIES = ("django", "channels", "asgiref")


def model_named_by(start: type) -> str:
    """The dotted name of the first model that the class comes to name; empty for none."""
    waiting: list[object] = [start]
    seen = set[int]()
    while waiting and len(seen) < MOST_LOOKED_AT:
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
    """The code and that of the functions defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _named(names: tuple[str, ...], namespace: dict[str, Any]) -> Iterator[object]:
    """What the names stand for: globals, and what is in the modules among them, or imported in the function."""
    for name in names:
        value = namespace.get(name, sys.modules.get(name))
        if isinstance(value, ModuleType):
            yield from (vars(value)[other] for other in names if other in vars(value))
        elif isinstance(value, type | FunctionType):
            yield value
