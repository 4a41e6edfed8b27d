"""Names the work of an executor: the function that the site passed to ``sync_to_async`` or ``asyncio.to_thread``."""

from contextvars import Context
from functools import partial
from typing import Any

MOST_WRAPPERS = 20


def name_of(work: Any) -> str:
    """Return the qualified name of the function, with the class of the object for a method. Never raises."""
    try:
        return _qualified(*_call(work))
    except Exception:  # noqa: BLE001 - the work may be any object, with any attributes
        return type(work).__qualname__


def _call(work: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the function that asgiref or asyncio was given, and its positional arguments.

    asgiref submits ``partial(thread_handler, …, partial(function, *args))``
    (https://github.com/django/asgiref/blob/3.13.0/asgiref/sync.py#L553-L577), and asyncio
    ``partial(context.run, function, *args)``
    (https://github.com/python/cpython/blob/v3.14.0/Lib/asyncio/threads.py#L22-L25).
    """
    if isinstance(work, partial) and work.args and isinstance(work.args[-1], partial):
        work = work.args[-1]
    args: tuple[Any, ...] = ()
    for _ in range(MOST_WRAPPERS):
        if isinstance(work, partial):
            work, args = work.func, (*work.args, *args)
        elif hasattr(work, "__wrapped__"):
            work = work.__wrapped__
        elif args and isinstance(getattr(work, "__self__", None), Context):
            work, args = args[0], args[1:]
        else:
            break
    return work, args


def _qualified(function: Any, args: tuple[Any, ...]) -> str:
    name = getattr(function, "__name__", None)
    if name is None:  # a callable object, such as middleware
        return f"{type(function).__module__}.{type(function).__qualname__}"
    owner = getattr(function, "__self__", args[0] if args else None)
    if _is_method(function, name, type(owner)):
        return f"{type(owner).__module__}.{type(owner).__qualname__}.{name}"
    return ".".join(part for part in (function.__module__, function.__qualname__) if part)


def _is_method(function: Any, name: str, owner: type) -> bool:
    return function.__qualname__.endswith(f".{name}") and hasattr(owner, name) and owner.__module__ != "builtins"
