"""Finds the resolver of the GraphQL field that graphql-core completes, after the resolver itself has returned.

graphql-core keeps what is known of the field in a variable of the function that completes its value:
https://github.com/graphql-python/graphql-core/blob/v3.2.6/src/graphql/execution/execute.py

The type in there has the field, and the field its resolver. strawberry wraps resolvers, and keeps its own field beside:
https://github.com/strawberry-graphql/strawberry/blob/0.275.5/strawberry/schema/schema_converter.py
"""

from types import FrameType, FunctionType
from typing import Any

from loopwatch.detection.cpython.code_owner import Owner, owner_of
from loopwatch.detection.cpython.frame_marks import is_traced
from loopwatch.detection.cpython.frames import forget_locals, locals_of
from loopwatch.detection.cpython.namespaces import module_name, static_attribute

COMPLETES_FIELD = "complete_value"
"""The method of graphql-core's that completes a field. It calls itself for the fields inside."""
_EXECUTION = "graphql.execution."
_BY_STRAWBERRY = "strawberry-definition"


def resolver_at(frame: FrameType) -> str:
    """Return the qualified name of the resolver whose field is completed in a frame.

    If the resolver is not the site's, it is the name of the field, such as ``Query.books``; ``""`` if that is unknown.
    """
    if not module_name(frame.f_globals).startswith(_EXECUTION) or is_traced(frame):
        return ""
    variables = locals_of(frame)
    try:
        return _resolver(variables.get("info"))
    finally:
        forget_locals(frame, variables)


def _resolver(info: Any) -> str:
    """Read a named tuple, of graphql-core or of a library that adds to it."""
    names = static_attribute(type(info), "_fields")
    if not issubclass(type(info), tuple) or type(names) is not tuple:
        return ""
    known: dict[str, Any] = dict(zip(names, tuple.__iter__(info), strict=False))
    of, name = known.get("parent_type"), known.get("field_name")
    fields, type_name = static_attribute(of, "fields"), static_attribute(of, "name")
    if type(name) is not str or type(type_name) is not str:
        return ""
    function = _function(fields.get(name)) if type(fields) is dict else None
    return f"{function.__module__}.{function.__qualname__}" if function else f"{type_name}.{name}"


def _function(field: object) -> FunctionType | None:
    """Return the resolver of a field, if the site has written it."""
    extensions = static_attribute(field, "extensions")
    wrapped = extensions.get(_BY_STRAWBERRY) if type(extensions) is dict else None
    resolver = static_attribute(wrapped, "_base_resolver") or static_attribute(wrapped, "base_resolver")
    for function in (static_attribute(resolver, "wrapped_func"), static_attribute(field, "resolve")):
        if type(function) is FunctionType and owner_of(function.__code__, function.__module__) is Owner.IN_APP:
            return function
    return None
