"""Recognizes known calls: of C functions by name, of Python functions by code. Runs at every call of a step."""

import functools
import types
from enum import Enum, auto
from types import CodeType, FrameType
from typing import Any

from loopwatch.detection.cpython.qualified_names import name_of_c_callable
from loopwatch.detection.strict.arguments import first_argument
from loopwatch.detection.strict.catalogue import HARMLESS, IN_C, IN_PYTHON, Known
from loopwatch.detection.strict.django_calls import FUNCTIONS, METHODS, SET_UP_ONCE, Methods

MAX_REMEMBERED = 50_000


class Harmless(Enum):
    HARMLESS = auto()


class Recognition:
    """Remembers every function that it has looked up. One thread at a time may use it."""

    def __init__(self) -> None:
        self._by_code: dict[int, tuple[CodeType, Known | Harmless | Methods | None]] = {}
        """By the id of the code, because hashing code takes long. The code is kept alive, so that ids stay unique."""
        self._by_callable: dict[object, Known | None] = {}
        self._by_method: dict[tuple[type, str], Known | None] = {}

    def of_frame(self, frame: FrameType) -> Known | Harmless | None:
        """Look up the function that a frame has just begun to run."""
        code = frame.f_code
        seen = self._by_code.get(id(code))
        found = seen[1] if seen is not None else self._first_of_frame(code, frame.f_globals)
        return found if found is None or isinstance(found, Known | Harmless) else self._of_method(frame, found)

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

    def _first_of_frame(self, code: CodeType, namespace: dict[str, Any]) -> Known | Harmless | Methods | None:
        if len(self._by_code) >= MAX_REMEMBERED:
            self._by_code.clear()
        key = (str(namespace.get("__name__", "")), code.co_qualname)
        known: Known | Harmless | Methods | None
        if key in HARMLESS or key in SET_UP_ONCE or _is_cached_by_django(code, namespace):
            known = Harmless.HARMLESS
        else:
            known = IN_PYTHON.get(key) or FUNCTIONS.get(key)
            if known is None and "." in code.co_qualname:
                known = METHODS.get(code.co_name)
        self._by_code[id(code)] = code, known
        return known

    def _of_method(self, frame: FrameType, methods: Methods) -> Known | None:
        key = type(first_argument(frame)), frame.f_code.co_name
        try:
            return self._by_method[key]
        except KeyError:
            if len(self._by_method) >= MAX_REMEMBERED:
                self._by_method.clear()
            names = (f"{owner.__module__}.{owner.__qualname__}" for owner in key[0].__mro__)
            known = self._by_method[key] = next((methods[name] for name in names if name in methods), None)
            return known

    def _first_of_c(self, function: Any, key: object) -> Known | None:
        if len(self._by_callable) >= MAX_REMEMBERED:
            self._by_callable.clear()
        known = self._by_callable[key] = IN_C.get(name_of_c_callable(function))
        return known


def _is_cached_by_django(code: CodeType, namespace: dict[str, Any]) -> bool:
    """Return whether the code is that of a function of Django that runs once for each of few values."""
    function = namespace.get(code.co_name)
    if not isinstance(function, functools._lru_cache_wrapper):  # noqa: SLF001 - the type has no public name
        return False
    is_of_django = str(namespace.get("__name__", "")).startswith("django.")
    return is_of_django and getattr(function.__wrapped__, "__code__", None) is code
