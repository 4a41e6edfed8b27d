"""Finds the module that a lazy import loads (PEP 810, Python 3.15).

The import runs at the first use of its name. Until then the name refers to a placeholder. Reading the placeholder from
a dictionary does not resolve it.
"""

import types
from collections.abc import Mapping
from types import CodeType
from typing import Any

from loopwatch.detection.cpython import bytecode
from loopwatch.detection.cpython.expressions import Attribute, Name

_PLACEHOLDER: type | None = getattr(types, "LazyImportType", None)


def module_of(code: CodeType, offset: int, namespace: Mapping[str, Any]) -> str:
    """Return the module that the instruction at ``offset`` loads lazily; empty if it is not known.

    ``namespace`` holds the globals of the frame, while the import runs.
    """
    match bytecode.lazily_loaded_at(code, offset):
        case Name(name):
            return _module_behind(namespace.get(name), name)
        case Attribute(Name(of), name):
            module = namespace.get(of)
            return _module_behind(vars(module).get(name), name) if type(module) is types.ModuleType else ""
        case _:
            return ""


def _module_behind(placeholder: object, name: str) -> str:
    if _PLACEHOLDER is None or type(placeholder) is not _PLACEHOLDER:
        return ""
    path = repr(placeholder).partition("'")[2].rpartition("'")[0]  # <lazy_import 'decimal.Decimal'>
    parent, _, last = path.rpartition(".")
    return parent if parent and last == name else path
