"""Whether a line stands in a coroutine function, and so may await."""

import ast
from collections.abc import Sequence

# Reading a larger file than any person writes would take longer than a page may.
LARGEST_SOURCE = 300_000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def can_await(lines: Sequence[str], lineno: int) -> bool | None:
    """Whether the innermost function around a line of a file is a coroutine function; ``None`` where that is unknown.

    A lambda on that line leaves it unknown, as does a line outside of all functions.
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
    """The syntax tree of a file, ``None`` for one that is not Python or too large."""
    source = "\n".join(lines)
    if len(source) > LARGEST_SOURCE:
        return None
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _holds(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, lineno: int) -> bool:
    return node.lineno <= lineno <= (node.end_lineno or node.lineno)
