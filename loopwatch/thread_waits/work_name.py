"""The name of what an executor was handed: the function that the site gave to ``sync_to_async``."""

from functools import partial
from typing import Any

MOST_WRAPPERS = 20


def name_of(work: Any) -> str:
    """Its qualified name, a method by the class of its object; never raises."""
    try:
        return _qualified(*_call(work))
    except Exception:  # noqa: BLE001 - anything may be handed over, with any attributes
        return type(work).__qualname__


def _call(work: Any) -> tuple[Any, tuple[Any, ...]]:
    """The function that asgiref was given, with its positional arguments.

    asgiref hands over ``partial(thread_handler, …, partial(function, *args))``, and other things as they are.
    """
    if isinstance(work, partial) and work.args and isinstance(work.args[-1], partial):
        work = work.args[-1]
    args: tuple[Any, ...] = ()
    for _ in range(MOST_WRAPPERS):
        if isinstance(work, partial):
            work, args = work.func, (*work.args, *args)
        elif hasattr(work, "__wrapped__"):
            work = work.__wrapped__
        else:
            break
    return work, args


def _qualified(function: Any, args: tuple[Any, ...]) -> str:
    name = getattr(function, "__name__", None)
    if name is None:  # an object that can be called, such as middleware
        return f"{type(function).__module__}.{type(function).__qualname__}"
    owner = getattr(function, "__self__", args[0] if args else None)
    if _is_method(function, name, type(owner)):
        return f"{type(owner).__module__}.{type(owner).__qualname__}.{name}"
    return ".".join(part for part in (function.__module__, function.__qualname__) if part)


def _is_method(function: Any, name: str, owner: type) -> bool:
    return function.__qualname__.endswith(f".{name}") and hasattr(owner, name) and owner.__module__ != "builtins"
