"""Tells whether a coroutine may pause where it makes a call: at an ``await``, other tasks run.

It may not where the code around relies on the opposite. A lock of threads that is held while the coroutine is paused
stops the loop for good as soon as a second task wants it, and a value that was read before the pause may have changed
after it.
"""

import ast
from collections.abc import Iterable, Sequence

# Context managers that guard nothing which other tasks use, by the last part of their name.
_UNSHARED = frozenset(
    {"open", "suppress", "nullcontext", "Session", "Client", "TemporaryDirectory", "NamedTemporaryFile"}
)


def may_pause(node: ast.Call, above: Sequence[ast.AST], function: ast.AsyncFunctionDef) -> bool:
    """Return whether an ``await`` in place of a call leaves the function correct.

    ``above`` holds the call's ancestors, outermost first.
    """
    inside = above[above.index(function) + 1 :]
    return not (_is_guarded(node, inside) or _is_read_before(inside, function) or _takes_a_lock(function))


def _is_guarded(node: ast.Call, above: Sequence[ast.AST]) -> bool:
    """Return whether a ``with`` that may hold a lock is around the call. A call in its items comes before the lock."""
    for outer, inner in zip(above, (*above[1:], node), strict=True):
        if isinstance(outer, ast.With) and not all(map(_is_unshared, _held(outer, inner))):
            return True
    return False


def _held(block: ast.With, inner: ast.AST) -> list[ast.withitem]:
    """Return the items that are entered before the part of the block with the call."""
    items = block.items
    return items[: items.index(inner)] if isinstance(inner, ast.withitem) else items


def _is_unshared(item: ast.withitem) -> bool:
    manager = item.context_expr
    return isinstance(manager, ast.Call) and _last_name(manager.func) in _UNSHARED


def _last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_read_before(above: Iterable[ast.AST], function: ast.AsyncFunctionDef) -> bool:
    """Return whether the statement computes the new value of something shared from its old one."""
    shared = {name for each in ast.walk(function) if isinstance(each, ast.Global | ast.Nonlocal) for name in each.names}
    for statement in above:
        if isinstance(statement, ast.AugAssign):
            return _is_shared(statement.target, shared)
        if isinstance(statement, ast.Assign):
            read = {ast.unparse(each) for each in ast.walk(statement.value) if isinstance(each, ast.expr)}
            return any(_is_shared(each, shared) and ast.unparse(each) in read for each in statement.targets)
    return False


def _is_shared(target: ast.expr, names: set[str]) -> bool:
    return not isinstance(target, ast.Name) or target.id in names


def _takes_a_lock(function: ast.AsyncFunctionDef) -> bool:
    """Return whether the function calls ``acquire()`` without awaiting it."""
    awaited = {id(each.value) for each in ast.walk(function) if isinstance(each, ast.Await)}
    return any(
        isinstance(each, ast.Call) and id(each) not in awaited and _last_name(each.func) == "acquire"
        for each in ast.walk(function)
    )
