"""Finds arguments: of a Python function in its frame, of the C call that a frame is making in the source.

The source of a C call says it: a constant, a name, or an attribute that can be looked up without running code of the
site. Everything else, and everything without a source, is ``UNKNOWN``.
"""

import ast
import functools
import types
from types import CodeType, FrameType
from typing import Any, Final

from loopwatch.detection.cpython import source
from loopwatch.detection.cpython.namespaces import static_attribute, variable

UNKNOWN: Final = object()
MISSING: Final = object()


def first_argument(frame: FrameType) -> Any:
    """Return the first argument of the function that a frame has begun to run; ``None`` if it has none."""
    names = frame.f_code.co_varnames
    return variable(frame.f_locals, names[0]) if names else None


def argument(frame: FrameType, position: int, keyword: str = "") -> Any:
    """Return the argument at a position, or by its keyword; ``MISSING`` if it is not given."""
    call = _call_at(frame.f_code, frame.f_lasti)
    if call is None or any(isinstance(given, ast.Starred) for given in call.args):
        return UNKNOWN
    if position < len(call.args):
        return _value(call.args[position], frame)
    if any(given.arg is None for given in call.keywords):
        return UNKNOWN
    return next((_value(given.value, frame) for given in call.keywords if given.arg == keyword), MISSING)


@functools.lru_cache(maxsize=1024)
def _call_at(code: CodeType, offset: int) -> ast.Call | None:
    text = source.text_of(code.co_filename, source.span_at(code, offset))
    try:
        expression = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return expression if isinstance(expression, ast.Call) else None


def _value(expression: ast.expr, frame: FrameType) -> Any:
    match expression:
        case ast.Constant(value):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
            return -value
        case ast.Name(name):
            for names in (frame.f_locals, frame.f_globals, frame.f_builtins):
                if (found := variable(names, name, UNKNOWN)) is not UNKNOWN:
                    return found
        case ast.Attribute(of, name):
            return _attribute(_value(of, frame), name)
    return UNKNOWN


def _attribute(of: Any, name: str) -> Any:
    if of is UNKNOWN:
        return UNKNOWN
    found = vars(of).get(name, UNKNOWN) if type(of) is types.ModuleType else static_attribute(of, name, UNKNOWN)
    return UNKNOWN if hasattr(type(found), "__get__") else found
