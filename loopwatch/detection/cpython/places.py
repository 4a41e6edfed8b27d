"""Names the function in which code is written.

A lambda, a generator expression and, before Python 3.12, a comprehension are functions of their own to the interpreter.
To a reader they are lines of the function around them. An implementation of a generic function is named after that.
"""

import functools
from types import CodeType

from loopwatch.detection.cpython.generic_functions import NO_NAME, implementation_name
from loopwatch.detection.cpython.namespaces import code_of, look_up, namespace_of, unbound

NAMELESS = frozenset({"<lambda>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})
_LOCALS = "<locals>"


def place_of(code: CodeType, module: str) -> str:
    """Return the qualified name, within its module, of the function in which ``code`` is written.

    A lambda outside of all functions has the name that it was given, if there is one, or else that of the class or
    module body.
    """
    if code.co_name == NO_NAME:
        return implementation_name(code, module) or code.co_qualname
    return _around(code, module) if code.co_name in NAMELESS else code.co_qualname


@functools.lru_cache(maxsize=1024)
def _around(code: CodeType, module: str) -> str:
    parts = code.co_qualname.split(".")
    is_in_function = _LOCALS in parts[-2:-1]
    while parts and (parts[-1] in NAMELESS or parts[-1] == _LOCALS):
        del parts[-1]
    body = ".".join(parts)
    given = () if is_in_function else [name for name, member in _members(module, body) if code_of(member) is code]
    return ".".join((*parts, given[0])) if given else body or "<module>"


def _members(module: str, owner: str) -> list[tuple[str, object]]:
    return [(name, unbound(member)) for name, member in list(namespace_of(look_up(module, owner)).items())]
