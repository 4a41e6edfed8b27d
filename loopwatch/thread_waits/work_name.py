"""Names the work of an executor: the function that the site passed to ``sync_to_async`` or ``asyncio.to_thread``.

No object of the site is asked for an attribute: a remote proxy would ask its server, and a lazy object be evaluated.
"""

from contextvars import Context
from functools import partial
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from loopwatch.detection.cpython.namespaces import namespace_of, own_attribute
from loopwatch.detection.cpython.qualified_names import name_of_c_callable

MOST_WRAPPERS = 20


def name_of(work: Any) -> str:
    """Return the qualified name of the function, with the class of the object for a method. Never raises.

    Any other object is named by its type.
    """
    try:
        return _qualified(*_call(work))
    except Exception:  # noqa: BLE001 - a metaclass may raise anything
        return type(work).__qualname__


def _call(work: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the function that asgiref or asyncio was given, and its positional arguments.

    asgiref submits ``partial(thread_handler, …, partial(function, *args))``
    (https://github.com/django/asgiref/blob/3.13.0/asgiref/sync.py#L553-L577), and asyncio
    ``partial(context.run, function, *args)``
    (https://github.com/python/cpython/blob/v3.14.0/Lib/asyncio/threads.py#L22-L25).
    """
    if type(work) is partial and work.args and type(work.args[-1]) is partial:
        work = work.args[-1]
    args: tuple[Any, ...] = ()
    for _ in range(MOST_WRAPPERS):
        kind = type(work)
        if kind is partial:
            work, args = work.func, (*work.args, *args)
        elif kind is MethodType:
            work, args = work.__func__, (work.__self__, *args)
        elif (wrapped := own_attribute(work, "__wrapped__")) is not None:
            work = wrapped
        elif args and kind is BuiltinMethodType and type(work.__self__) is Context:
            work, args = args[0], args[1:]
        else:
            break
    return work, args


def _qualified(function: Any, args: tuple[Any, ...]) -> str:
    if type(function) is not FunctionType:
        return name_of_c_callable(function)
    owner, name = type(args[0]) if args else object, function.__name__
    if function.__qualname__.endswith(f".{name}") and _has(owner, name):
        return f"{owner.__module__}.{owner.__qualname__}.{name}"
    return ".".join(part for part in (function.__module__, function.__qualname__) if part and type(part) is str)


def _has(owner: type, name: str) -> bool:
    return owner.__module__ != "builtins" and any(name in namespace_of(each) for each in owner.__mro__)
