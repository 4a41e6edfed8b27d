"""Recognizes known calls: of C functions by name, of Python functions by code. Runs at every call of a step."""

import types
from enum import Enum, auto
from types import CodeType, FrameType
from typing import Any

from loopwatch.detection.cpython.qualified_names import name_of_c_callable
from loopwatch.detection.strict.catalogue import HARMLESS, IN_C, IN_PYTHON, Known

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
        code = frame.f_code
        seen = self._by_code.get(id(code))
        return seen[1] if seen is not None else self._first_of_frame(code, frame.f_globals)

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

    def _first_of_frame(self, code: CodeType, namespace: dict[str, Any]) -> Known | Harmless | None:
        if len(self._by_code) >= MAX_REMEMBERED:
            self._by_code.clear()
        key = (str(namespace.get("__name__", "")), code.co_qualname)
        known = Harmless.HARMLESS if key in HARMLESS else IN_PYTHON.get(key)
        self._by_code[id(code)] = code, known
        return known

    def _first_of_c(self, function: Any, key: object) -> Known | None:
        if len(self._by_callable) >= MAX_REMEMBERED:
            self._by_callable.clear()
        known = self._by_callable[key] = IN_C.get(name_of_c_callable(function))
        return known
