"""Names the view that serves a request as its developer wrote it, and not as a framework wraps it.

The frameworks need not be installed: a wrapper is recognised by what it keeps on itself, which is read without running
any of its code.

* Django keeps the class of a view in ``view_class``:
  https://github.com/django/django/blob/6.0/django/views/generic/base.py
* Django REST framework and adrf keep it in ``cls``, and the methods of a view set in ``actions``:
  https://github.com/encode/django-rest-framework/blob/3.16.1/rest_framework/viewsets.py
* django-ninja's wrapper has its ``PathView`` in a closure, whose operations know their functions:
  https://github.com/vitalik/django-ninja/blob/v1.4.5/ninja/operation.py
"""

import functools
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

_NINJA = "ninja."
_ASGIREF = "asgiref."
"""All objects that ``async_to_sync`` returns are of one type, so the route says more."""
_HEAD = {"HEAD": "GET"}
"""A view set answers it as it answers ``GET``."""


def view_name(view: object, method: str) -> str:
    """Return the qualified name of the view, operation or action, or that of its type; ``""`` if neither helps."""
    while isinstance(view, functools.partial):
        view = view.func
    if not isinstance(view, FunctionType):
        return _name(view)
    if view.__module__.startswith(_NINJA):
        return next((_name(operation) for operation in _operations(view, method)), "") or _name(view)
    kept = vars(view)
    cls = kept.get("view_class") or kept.get("cls")
    if not isinstance(cls, type):
        return _name(view)
    actions = kept.get("actions")
    action = actions.get(_HEAD.get(method, method).lower()) if isinstance(actions, Mapping) else None
    return f"{_name(cls)}.{action}" if isinstance(action, str) else _name(cls)


def _operations(view: FunctionType, method: str) -> Iterator[object]:
    """Yield the functions of the operations that django-ninja runs for a method."""
    for cell in view.__closure__ or ():
        kept: Mapping[str, Any] = getattr(cell.cell_contents, "__dict__", {})
        for operation in kept.get("operations", ()):
            if method in operation.methods:
                yield operation.view_func


def _name(of: Any) -> str:
    if not isinstance(getattr(of, "__qualname__", None), str):
        of = type(of)  # an object with a ``__call__``, such as Django's feeds
    module, qualname, name = (getattr(of, each, None) for each in ("__module__", "__qualname__", "__name__"))
    if not isinstance(module, str) or not isinstance(qualname, str) or module.startswith(_ASGIREF):
        return ""
    # REST framework's ``@api_view`` makes a class that has its function's name, but another qualified name.
    outer, dot, _last = qualname.rpartition(".")
    return f"{module}.{outer}{dot}{name}"
