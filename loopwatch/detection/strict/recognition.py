"""Recognizes known calls: of C functions by name, of Python functions by code. Runs at every call of a step."""

import functools
import types
from enum import Enum, auto
from types import CodeType, FrameType
from typing import Any

from loopwatch.detection.cpython.namespaces import module_name
from loopwatch.detection.cpython.qualified_names import name_of_c_callable
from loopwatch.detection.strict.arguments import first_argument
from loopwatch.detection.strict.catalogue import HARMLESS, IN_C, IN_PYTHON, Known
from loopwatch.detection.strict.django_calls import FUNCTIONS, METHODS, SET_UP_ONCE

MAX_REMEMBERED = 50_000


class Harmless(Enum):
    HARMLESS = auto()


class Recognition:
    """Remembers every function that it has looked up. One thread at a time may use it."""

    def __init__(self) -> None:
        self._by_code: dict[int, tuple[CodeType, Known | Harmless | None]] = {}
        """By the id of the code, because hashing code takes long. The code is kept alive, so that ids stay unique."""
        self._by_callable: dict[object, Known | None] = {}

    def of_frame(self, frame: FrameType) -> Known | Harmless | None:
        """Look up the function that a frame has just begun to run."""
        seen = self._by_code.get(id(frame.f_code))
        return seen[1] if seen is not None else self._first_of_frame(frame)

    def of_c(self, function: Any) -> Known | None:
        """Look up a builtin function, or a method bound to its object."""
        bound_to = function.__self__
        key = (
            function if bound_to is None or type(bound_to) is types.ModuleType else (type(bound_to), function.__name__)
        )
        try:
            return self._by_callable[key]
        except KeyError:
            return self._first_of_c(function, key)
        except TypeError:  # the metaclass makes the class unhashable
            return IN_C.get(name_of_c_callable(function))

    def _first_of_frame(self, frame: FrameType) -> Known | Harmless | None:
        if len(self._by_code) >= MAX_REMEMBERED:
            self._by_code.clear()
        code, namespace = frame.f_code, frame.f_globals
        key = (module_name(namespace), code.co_qualname)
        known: Known | Harmless | None
        if key in HARMLESS or key in SET_UP_ONCE or _is_cached_by_django(code, namespace):
            known = Harmless.HARMLESS
        else:
            known = IN_PYTHON.get(key) or FUNCTIONS.get(key) or _method_of_backend(frame)
        self._by_code[id(code)] = code, known
        return known

    def _first_of_c(self, function: Any, key: object) -> Known | None:
        if len(self._by_callable) >= MAX_REMEMBERED:
            self._by_callable.clear()
        known = self._by_callable[key] = IN_C.get(name_of_c_callable(function))
        return known


def _method_of_backend(frame: FrameType) -> Known | None:
    """Look up a method by the class of the first object that it is called on."""
    by_class = METHODS.get(frame.f_code.co_name)
    if by_class is None or "." not in frame.f_code.co_qualname:
        return None
    classes = type(first_argument(frame)).__mro__
    names = (f"{owner.__module__}.{owner.__qualname__}" for owner in classes)
    return next((by_class[name] for name in names if name in by_class), None)


def _is_cached_by_django(code: CodeType, namespace: dict[str, Any]) -> bool:
    """Return whether the code is that of a function of Django that runs once for each of few values."""
    function = namespace.get(code.co_name)
    if not isinstance(function, functools._lru_cache_wrapper):  # noqa: SLF001 - the type has no public name
        return False
    is_of_django = module_name(namespace).startswith("django.")
    return is_of_django and getattr(function.__wrapped__, "__code__", None) is code
