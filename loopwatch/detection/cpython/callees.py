"""Finds the C function that a frame is calling.

A C function has no frame. It is found from the bytecode: the instruction's position in the source (PEP 657) shows which
earlier instructions loaded the callable, and their names are looked up in the frame's variables without running code of
the site (no property, no ``__getattr__``). Runs on the watchdog's thread, for sampled frames only. What the bytecode
says is cached for each instruction.
"""

import builtins
import functools
import inspect
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import dropwhile, islice
from types import CodeType, FrameType
from typing import Any, Protocol

from loopwatch.detection.cpython import bytecode, expressions
from loopwatch.detection.cpython.code_owner import Owner, owner_of_file
from loopwatch.detection.cpython.frame_marks import is_traced
from loopwatch.detection.cpython.frames import forget_locals, locals_of
from loopwatch.detection.cpython.namespaces import ancestors, is_of, is_proxy, namespace_of, static_attribute, variable
from loopwatch.detection.cpython.qualified_names import WRITTEN_IN_C, name_of_c_callable

MAX_ITEMS = 1000
"""Larger dictionaries are not searched for a function."""
NEVER_SLOW = frozenset(
    {"len", "isinstance", "id", "list.append", "dict.get"}
    | {f"threading.{lock}.{method}" for lock in ("Lock", "RLock") for method in ("release", "__exit__")}
    | {f"time.{clock}{unit}" for clock in ("time", "monotonic", "perf_counter", "process_time") for unit in ("", "_ns")}
)
"""C functions that are always quick. Samples often show one, because every call offers the GIL."""
_MISSING = object()
_ONLY_MAKES = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
"""A call of such a function only makes an object, and runs none of its code."""
_CACHE = type(functools.cache(len))
_RESUMES_PYTHON = tuple(
    vars(kind)[name]
    for kind in (types.GeneratorType, types.CoroutineType)
    for name in ("__next__", "send", "throw", "close")
    if name in vars(kind)
)
# Code that reads its own variables may hold the very dictionary that ``f_locals`` refreshes before Python 3.13.
_ASKS_FOR_LOCALS = frozenset({"locals", "vars", "dir", "eval", "exec"})


@dataclass(frozen=True, slots=True)
class Callee:
    """The C function that an instruction calls, by its qualified name, or as the source writes it if unresolved.

    The name is empty if the source does not name it either. ``is_certain`` is false if another operation after the last
    offer of the GIL may have kept it before the call.
    """

    name: str
    is_resolved: bool
    is_certain: bool


def callee_at(frame: FrameType, offset: int) -> Callee | None:
    """Return the C function that ``frame`` is calling at ``offset``.

    ``None`` if it calls nothing, a Python function, or a function that is always quick.
    """
    call = bytecode.call_at(frame.f_code, offset)
    if call is None:
        return None
    variables = _Variables(frame)
    try:
        return _callee(call, variables)
    finally:
        variables.release()


def callee_in(code: CodeType, offset: int, namespace: Mapping[str, Any]) -> Callee | None:
    """Return the same for code of a module whose frame is not at hand, so that local variables are unknown."""
    call = bytecode.call_at(code, offset)
    return None if call is None else _callee(call, _Globals(namespace))


def _callee(call: bytecode.Call, variables: "_Names") -> Callee | None:
    is_certain = call.is_certain and not _may_end_late(call.after, variables)
    try:
        name = _name_of(_evaluate(call.function, variables))
    except _CannotTellError:
        is_result = type(call.function) is expressions.Result  # ``make()()``: its text is the call of ``make``
        return Callee("" if is_result else call.function.text, is_resolved=False, is_certain=is_certain)
    if not name or name in NEVER_SLOW:
        return None
    return Callee(name, is_resolved=True, is_certain=is_certain)


def _may_end_late(called: expressions.Expression, variables: "_Names") -> bool:
    """Return whether the function called just before may have kept the GIL until it returned.

    The interpreter offers the GIL after a call of C code, but not as Python code returns. Libraries do not count: the
    operators at their ends are quick, and no call after one of ``re`` or ``json`` would be certain.
    """
    try:
        function = _evaluate(called, variables)
    except _CannotTellError:
        return False
    if type(function) is types.MethodType:
        function = function.__func__
    if type(function) is not types.FunctionType or function.__code__.co_flags & _ONLY_MAKES:
        return False
    code = function.__code__
    return owner_of_file(code.co_filename) is Owner.IN_APP and bytecode.may_end_late(code)


def name_of_callee(function: Any) -> str:
    """Return the name of the C function that ``function`` runs; empty if it runs Python code, which has a frame."""
    function = _called_by(function)
    return name_of_c_callable(function) if callable(function) and not _runs_python(function) else ""


def _called_by(function: Any) -> Any:
    """Return what a partial or a cache calls, or the function itself."""
    while True:
        if _is_a(function, functools.partial):
            function = function.func
        elif type(function) is _CACHE:
            function = static_attribute(function, "__wrapped__")
        else:
            return function


def _name_of(function: Any) -> str:
    """Return the same for the value of an expression, which may be an object that no longer exists."""
    if is_proxy(function):
        raise _CannotTellError
    if not _is_a(function, _InstanceOf):
        return name_of_callee(function)
    if function.type is types.FunctionType:
        return ""
    return name_of_callee(_special_method(function, "__call__"))


def _runs_python(function: object) -> bool:
    kind = type(function)
    if any(function is method for method in _RESUMES_PYTHON):
        return True
    if is_of(function, types.FunctionType, types.MethodType):
        return True
    if is_of(function, *WRITTEN_IN_C):
        return False
    is_class = issubclass(kind, type)
    names = ("__init__", "__new__") if is_class else ("__call__",)
    found = [static_attribute(function if is_class else kind, name) for name in names]
    return any(type(each.__func__ if _is_a(each, staticmethod) else each) is types.FunctionType for each in found)


def _is_a(value: object, kind: type) -> bool:
    """Do what ``isinstance`` does without asking the value, which may be a proxy that runs code to answer."""
    return issubclass(type(value), kind)


class _CannotTellError(Exception):
    """The object cannot be found without running code of the site."""


@dataclass(frozen=True, slots=True)
class _InstanceOf:
    """An object that no longer exists; only its type is known."""

    type: type


class _Names(Protocol):
    """The names that an expression may use."""

    def look_up(self, name: str, scope: expressions.Scope) -> object:
        """Return the value of a name; raises ``_CannotTellError`` if that is unknown."""


@dataclass(frozen=True, slots=True)
class _Globals:
    """The names of a module. What a local variable of the same name would hide is not known."""

    namespace: Mapping[str, Any]

    def look_up(self, name: str, scope: expressions.Scope) -> object:
        if scope is not expressions.Scope.GLOBAL:
            raise _CannotTellError
        return _global(name, self.namespace, vars(builtins))


def _global(name: str, *namespaces: Mapping[str, Any]) -> object:
    for namespace in namespaces:
        found = variable(namespace, name, _MISSING)
        if found is not _MISSING:
            return found
    raise _CannotTellError


class _Variables:
    """The names a frame can see. Values are looked up one by one and never kept.

    A frame whose code or tracer may hold a copy of its locals is not asked for them.
    """

    def __init__(self, frame: FrameType) -> None:
        self._frame = frame
        self._read: dict[str, Any] | None = None

    def look_up(self, name: str, scope: expressions.Scope) -> object:
        frame = self._frame
        if scope is not expressions.Scope.GLOBAL:
            found = variable(self._locals(), name, _MISSING)
            if found is not _MISSING:
                return found
        if scope is not expressions.Scope.LOCAL:
            return _global(name, frame.f_globals, frame.f_builtins)
        raise _CannotTellError

    def release(self) -> None:
        if self._read is not None:
            forget_locals(self._frame, self._read)

    def _locals(self) -> Mapping[str, Any]:
        frame = self._frame
        if is_traced(frame) or not _ASKS_FOR_LOCALS.isdisjoint(frame.f_code.co_names):
            raise _CannotTellError
        if self._read is None:
            self._read = locals_of(frame)
        return self._read


def _evaluate(expression: expressions.Expression, variables: _Names) -> Any:
    match expression:
        case expressions.Name(name, scope):
            return variables.look_up(name, scope)
        case expressions.Constant(value):
            return value
        case expressions.New(of_type):
            return _InstanceOf(of_type)
        case expressions.Attribute(of, name):
            return _attribute(_evaluate(of, variables), name)
        case expressions.SpecialMethod(of, name):
            return _special_method(_evaluate(of, variables), name)
        case expressions.SuperAttribute(name):
            return _super_attribute(name, variables)
        case expressions.Item(of, key):
            return _item(_evaluate(of, variables), _evaluate(key, variables))
        case expressions.Result(of):
            return _result(_evaluate(of, variables))
        case _:
            raise _CannotTellError


def _result(function: Any) -> _InstanceOf:
    if _is_a(function, type):
        return _InstanceOf(function)
    if function is re.compile:
        return _InstanceOf(re.Pattern)
    if type(function) is types.FunctionType and function.__code__.co_flags & inspect.CO_GENERATOR:
        return _InstanceOf(types.GeneratorType)
    raise _CannotTellError


def _attribute(of: Any, name: str) -> Any:
    """Return an attribute without running code of the site: no descriptor computes it."""
    is_instance_of = _is_a(of, _InstanceOf)
    if is_instance_of:
        found = static_attribute(of.type, name)
    elif _is_a(of, types.ModuleType):
        found = namespace_of(of).get(name)
    else:
        found = static_attribute(of, name)
    if found is None or _is_a(found, property):
        raise _CannotTellError
    if _is_a(found, staticmethod) or _is_a(found, classmethod):
        return found.__func__
    if _is_a(found, types.MemberDescriptorType) and not is_instance_of and not _is_a(of, type):
        return found.__get__(of, type(of))
    return found


def _special_method(of: Any, name: str) -> Any:
    """Return a special method as the interpreter looks it up: on the type alone."""
    found = static_attribute(of.type if _is_a(of, _InstanceOf) else type(of), name)
    if found is None:
        raise _CannotTellError
    return found.__func__ if _is_a(found, staticmethod) or _is_a(found, classmethod) else found


def _item(of: Any, key: Any) -> Any:
    """Return an item of a plain list, tuple or dictionary, without running any ``__eq__`` of the site."""
    kind = type(of)
    if is_of(of, list, tuple) and type(key) is int and -len(of) <= key < len(of):
        return of[key]
    get = static_attribute(kind, "__getitem__")
    if get is dict.__getitem__ and len(of) <= MAX_ITEMS:
        for each, value in list(dict.items(of)):
            if each is key or (type(each) is type(key) and is_of(key, str, int, bytes) and each == key):
                return value
    raise _CannotTellError


def _super_attribute(name: str, variables: _Names) -> Any:
    own_class = variables.look_up("__class__", expressions.Scope.LOCAL)
    first_argument = variables.look_up("self", expressions.Scope.LOCAL)
    # By identity: a metaclass may have an ``__eq__``.
    from_own_class = dropwhile(lambda each: each is not own_class, ancestors(type(first_argument)))
    for namespace in map(namespace_of, islice(from_own_class, 1, None)):
        if name in namespace:
            return namespace[name]
    raise _CannotTellError
