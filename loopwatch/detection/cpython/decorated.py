"""Finds the name by which users call a library's function whose code has another name.

A decorator's wrapper is named after the decorator, and the function behind a property has another name.
The name that callers use is looked up in the loaded modules, without running any of their code. It is used only if it
leads to the very code that runs.
"""

import functools
import sys
from collections.abc import Iterator
from types import CodeType, MethodType
from typing import Any

from loopwatch.detection.cpython.namespaces import ancestors, code_of, look_up, namespace_of, unbound

MAX_WRAPPERS = 5


def is_closure(code: CodeType) -> bool:
    """Return whether the code may be a decorator's wrapper: a function that another function makes."""
    return "<locals>" in code.co_qualname


@functools.lru_cache(maxsize=4096)
def is_decorated(chain: tuple[CodeType, ...], wrapper_module: str, module: str) -> bool:
    """Return whether all other functions of a chain of calls wrap the last one, by ``functools.wraps``.

    The last one is looked up by its own name, and among the methods of that name in the module of the first wrapper,
    which is where Django's managers get the methods of their query sets:
    https://github.com/django/django/blob/5.2/django/db/models/manager.py#L84
    """
    function = chain[-1]
    found = [look_up(module, function.co_qualname), *_methods(wrapper_module, function.co_name)]
    return any(_goes_through(each, chain) for each in found)


@functools.lru_cache(maxsize=4096)
def property_of(code: CodeType, module: str) -> str:
    """Return the qualified name of the property that runs ``code``; empty if there is not exactly one."""
    owner = code.co_qualname.rpartition(".")[0]
    members = namespace_of(look_up(module, owner))
    names = [name for name, value in members.items() if type(value) is property and code_of(value.fget) is code]
    return f"{owner}.{names[0]}" if len(names) == 1 else ""


def named_beside(code: CodeType, module: str, name: str) -> str:
    """Return the qualified name of what is called ``name`` in the class or module that has a function with this code.

    Empty if there is nothing of that name.
    """
    owner = code.co_qualname.rpartition(".")[0]
    of = look_up(module, owner)
    namespaces = map(namespace_of, ancestors(of) if issubclass(type(of), type) else (of,))
    return f"{owner}.{name}".removeprefix(".") if any(name in namespace for namespace in namespaces) else ""


def function_of_module(code: CodeType, module: str) -> str:
    """Return the name by which a module offers the method of an instance of its own, as ``random.choices`` is one.

    Empty if it does not.
    """
    member = namespace_of(sys.modules.get(module)).get(code.co_name)
    return code.co_name if type(member) is MethodType and code_of(member.__func__) is code else ""


def generated_method(code: CodeType, module: str, name: str) -> str:
    """Return the qualified name of the method of that name for which a library has made a function with ``code``.

    It is looked for in the classes of the library's module and in their subclasses, such as those that botocore makes
    for each service: https://github.com/boto/botocore/blob/1.40.0/botocore/client.py. Empty if it is not found, or
    in classes of different names.
    """
    owners = {
        type.__getattribute__(each, "__qualname__")
        for each in _classes(module)
        if code_of(unbound(namespace_of(each).get(name))) is code
    }
    return f"{owners.pop()}.{name}" if len(owners) == 1 else ""


def _classes(module: str) -> Iterator[type]:
    for each in list(namespace_of(sys.modules.get(module)).values()):
        if issubclass(type(each), type):
            yield each
            yield from type.__subclasses__(each) if each is not type else ()


def _goes_through(function: Any, chain: tuple[CodeType, ...]) -> bool:
    """Return whether ``chain`` is among the functions that ``function`` wraps, one inside the other."""
    codes = list(_wrapped(function))
    starts = range(len(codes) - len(chain) + 1)
    return any(all(each is codes[start + index] for index, each in enumerate(chain)) for start in starts)


def _wrapped(function: Any) -> Iterator[CodeType]:
    for _ in range(MAX_WRAPPERS + 1):
        function = unbound(function)
        code = code_of(function)
        if code is None:
            return
        yield code
        function = function.__dict__.get("__wrapped__")


def _methods(module: str, name: str) -> Iterator[Any]:
    """Yield all methods of that name that the classes in a module have or inherit."""
    for each in list(namespace_of(sys.modules.get(module)).values()):
        if issubclass(type(each), type):
            namespaces = map(namespace_of, type.__getattribute__(each, "__mro__"))
            yield next((namespace[name] for namespace in namespaces if name in namespace), None)
