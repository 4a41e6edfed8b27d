"""Tells whether a line is in a coroutine function, where it can await."""

import ast
from collections.abc import Sequence

# Parsing takes time in proportion to the size, and the admin parses while it builds a page.
LARGEST_SOURCE = 300_000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def can_await(lines: Sequence[str], lineno: int) -> bool | None:
    """Return whether the innermost function around a line is a coroutine function, or ``None`` if unknown.

    It is unknown outside of all functions, and if a lambda is on the line.
    """
    module = parsed(lines)
    if module is None:
        return None
    around = [node for node in ast.walk(module) if isinstance(node, _FUNCTIONS) and _holds(node, lineno)]
    innermost = max(around, key=lambda node: (node.lineno, node.col_offset), default=None)
    return (
        None if innermost is None or isinstance(innermost, ast.Lambda) else isinstance(innermost, ast.AsyncFunctionDef)
    )


def parsed(lines: Sequence[str]) -> ast.Module | None:
    """Return the syntax tree of a file, or ``None`` if the file is not Python or too large."""
    source = "\n".join(lines)
    if len(source) > LARGEST_SOURCE:
        return None
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _holds(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, lineno: int) -> bool:
    return node.lineno <= lineno <= (node.end_lineno or node.lineno)
