"""Names the implementations of generic functions (``functools.singledispatch``), which are usually written as ``_``."""

import functools
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, MappingProxyType
from typing import Any

from loopwatch.detection.cpython.namespaces import (
    code_of,
    look_up,
    module_and_qualname,
    namespace_of,
    own_attribute,
    unbound,
)

NO_NAME = "_"
_DISPATCHES = code_of(functools.singledispatch(lambda _: None))


@functools.lru_cache(maxsize=1024)
def implementation_name(code: CodeType, module: str) -> str:
    """Return ``show (Book)`` for the implementation of ``show`` for a ``Book``; ``""`` if the code is none.

    The generic function is looked for in the module, or among the methods of the class.
    """
    owner = code.co_qualname.rpartition(".")[0]
    for name, member in list(namespace_of(look_up(module, owner)).items()):
        types = [each for each, function in _implementations(member) if code_of(unbound(function)) is code]
        if types:
            listed = " | ".join(module_and_qualname(each)[1] for each in types)
            return f"{owner}.{name} ({listed})".removeprefix(".")
    return ""


def _implementations(member: Any) -> Iterator[tuple[type, Any]]:
    if type(member) is functools.singledispatchmethod:
        member = own_attribute(member, "dispatcher")
    if type(member) is FunctionType and code_of(member) is _DISPATCHES:
        registry: Mapping[type, Any] = member.__dict__["registry"]
        if type(registry) is MappingProxyType:
            yield from list(registry.items())
