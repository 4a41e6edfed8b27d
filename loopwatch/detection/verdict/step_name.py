"""Names a step by its task's coroutine or its callback, if no sample shows what it did."""

import functools
import sys
import types
from dataclasses import dataclass
from typing import Any

from loopwatch.detection.calls import PROGRAM, Request
from loopwatch.detection.cpython.code_owner import PLUMBING_MODULES, Owner, owner_of_file
from loopwatch.detection.cpython.decorated import MAX_WRAPPERS
from loopwatch.detection.cpython.namespaces import (
    attribute_in_c,
    code_of,
    file_of_module,
    namespace_of,
    own_attribute,
    unbound,
)
from loopwatch.detection.cpython.places import place_of
from loopwatch.detection.cpython.qualified_names import name_of_c_callable
from loopwatch.detection.cpython.source import definition_line
from loopwatch.detection.timing.steps import AnyHandle, task_of
from loopwatch.detection.verdict.frameworks import is_middleware

UNNAMED = "callback"
"""The name of a step that only asyncio's own machinery ran."""


@dataclass(frozen=True, slots=True)
class StepName:
    name: str
    filename: str = ""
    lineno: int = 0
    is_c: bool = False
    is_middleware: bool = False

    @property
    def is_in_app(self) -> bool:
        return not self.filename or owner_of_file(self.filename) is Owner.IN_APP


def name_of_step(handle: AnyHandle, request: Request | None) -> StepName:
    """Name what the loop ran or, if that is not in-app or is middleware, the view or consumer of the request.

    A program that no server runs is named only where nothing else is known: its libraries run tasks of many kinds.
    """
    step = _of_callback(handle)
    is_plumbing = step.name == UNNAMED or step.name.partition(".")[0] in PLUMBING_MODULES
    if is_plumbing:
        return name_of_request(request) or StepName(UNNAMED)
    passes_on = (step.is_middleware or not step.is_in_app) and not is_program(request)
    return (name_of_request(request) if passes_on else None) or step


def is_program(request: Request | None) -> bool:
    return request is not None and request.kind == PROGRAM


def kind_of_step(handle: AnyHandle, request: Request | None) -> str:
    """Return what steps that do the same have in common, their name and their route; empty if that is unknown."""
    step = name_of_step(handle, request)
    route = name_of_request(request)
    if route is None and (step.name == UNNAMED or step.is_middleware or not step.is_in_app):
        return ""
    return step.name if request is None else f"{step.name} {request.method} {request.route}"


def name_of_request(request: Request | None) -> StepName | None:
    """Name the view or consumer that serves a request, or else its route; ``None`` if none of these is known."""
    if request is None:
        return None
    if served_by := request.view or request.consumer:
        return name_by_place(served_by)
    return StepName(f"{request.method} {request.route}".strip()) if request.route else None


def _of_callback(handle: AnyHandle) -> StepName:
    callback = getattr(handle, "_callback", None)
    while type(callback) is functools.partial:
        callback = callback.func
    if callback is None:
        return StepName(UNNAMED)
    task = task_of(callback)
    function = callback.__func__ if type(callback) is types.MethodType else unbound(callback)
    runs = function if task is None else task.get_coro()
    for attribute in ("__code__", "cr_code", "gi_code"):
        code = attribute_in_c(runs, attribute)
        if type(code) is types.CodeType:
            return _of_code(code, code.co_filename)
    if task is not None:
        name = attribute_in_c(runs, "__qualname__")
        return StepName(name if type(name) is str else "coroutine")
    return StepName(name_of_c_callable(function), is_c=type(function) is types.BuiltinFunctionType)


def name_by_place(name: str) -> StepName:
    """Return a function or class by its name, with its place if it is loaded."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        loaded_as = ".".join(parts[:length])
        found: Any = sys.modules.get(loaded_as)
        for part in parts[length:]:
            of, found = found, namespace_of(found).get(part)
            found = of if found is None and issubclass(type(of), type) else found  # an inherited method
        code = code_of(_unwrapped(found)) or _first_code(found)
        if code is not None and file_of_module(loaded_as) in ("", code.co_filename):
            return StepName(name, code.co_filename, definition_line(code))
    return StepName(name)


def _unwrapped(function: Any) -> Any:
    """Return the function that decorators have wrapped, as far as they say."""
    for _ in range(MAX_WRAPPERS):
        wrapped = own_attribute(function, "__wrapped__")
        function = function if wrapped is None else wrapped
    return function


def _first_code(cls: object) -> types.CodeType | None:
    """Return the code of the first function in the body of a class."""
    if not issubclass(type(cls), type):
        return None
    members = map(code_of, list(namespace_of(cls).values()))
    return min(filter(None, members), key=lambda code: code.co_firstlineno, default=None)


@functools.lru_cache(maxsize=1000)
def _of_code(code: types.CodeType, filename: str) -> StepName:
    """Name a function by its code. Equal code may come from two files, so the file is part of the cache's key."""
    module = _module_of(filename)
    place = place_of(code, module)
    name = f"{module}.{place}" if module else place
    return StepName(name, filename, definition_line(code), is_middleware=is_middleware(code))


def _module_of(filename: str) -> str:
    for name in list(sys.modules):  # not items(), whose many tuples make the collector run on this thread
        if file_of_module(name) == filename:
            return name
    return ""
