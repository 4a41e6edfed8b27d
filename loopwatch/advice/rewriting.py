"""Rewrites the line of a blocking call, if the correct form is certain.

It is certain if the place is known to the column, the expression there is a call, the function around it is a coroutine
function that may pause there, and the call's cure fits any arguments.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.coroutines import parsed
from loopwatch.advice.django_async_methods import async_method_of, is_written_as
from loopwatch.advice.import_place import has_import, is_bound_otherwise
from loopwatch.advice.match import advice_by_name
from loopwatch.advice.pause_points import may_pause

# Nodes that an ``await`` would belong to or is not allowed in, and f-strings, whose columns are not reliable before
# Python 3.12: https://peps.python.org/pep-0701/
_OUTER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp, ast.ClassDef, ast.JoinedStr)


class SourceRange(Protocol):
    """Locates an expression in a file, as frames do: lines from 1, columns from 0 in UTF-8 bytes."""

    @property
    def lineno(self) -> int: ...
    @property
    def end_lineno(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def end_column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Holds the rewritten lines, with ``changed`` in place of the call, and the import that the module lacks."""

    before: str
    changed: str
    after: str
    needs: str = ""

    @property
    def text(self) -> str:
        return f"{self.before}{self.changed}{self.after}"


@dataclass(frozen=True, slots=True)
class _Call:
    """Holds a call as written: its function, its arguments without parentheses, its parent node and who makes it."""

    node: ast.Call
    parent: ast.AST
    function: str
    arguments: str
    caller: str


def rewritten(lines: Sequence[str], place: SourceRange, *, called_name: str, advice: Advice) -> Rewriting | None:
    """Rewrite the call at a place of a file given as ``lines``; return ``None`` if the correct form is uncertain.

    ``called_name`` is the qualified name of what the expression calls. The ``advice`` must be for that call, not for
    one inside of it.
    """
    module = parsed(lines) if place.end_column and advice_by_name(called_name) is advice else None
    if module is None:
        return None
    call = _call_at(module, "\n".join(lines), place)
    changed, needs = _cured(call, called_name, advice.call_cure) if call else ("", "")
    if not changed or not _is_python(changed) or (needs and is_bound_otherwise(module, needs)):
        return None
    first, last = lines[place.lineno - 1].encode(), lines[place.end_lineno - 1].encode()
    before, after = first[: place.column].decode().lstrip(), last[place.end_column :].decode()
    return Rewriting(before, changed, after, "" if not needs or has_import(module, needs) else needs)


def _is_python(expression: str) -> bool:
    """Check the syntax, as some arguments are valid only alone in their call: ``f(x for x in rows)``."""
    try:
        ast.parse(f"async def _():\n ({expression})")
    except SyntaxError:
        return False
    return True


def _call_at(module: ast.Module, source: str, place: SourceRange) -> _Call | None:
    """Return the call at exactly this place, if the innermost function around it is a coroutine function."""
    for node, above in _around(module, place.lineno):
        if not isinstance(node, ast.Call) or _span(node) != _wanted(place):
            continue
        function = next((each for each in reversed(above) if isinstance(each, _OUTER)), None)
        written = ast.get_source_segment(source, node) or ""
        name = ast.get_source_segment(source, node.func) or ""
        arguments = written.removeprefix(name).strip()
        is_plain = written.startswith(name) and arguments.startswith("(") and arguments.endswith(")")
        if not isinstance(function, ast.AsyncFunctionDef) or not _is_in_body(node, function):
            continue
        if is_plain and may_pause(node, above, function) and not _is_consumed_in_place(node, above):
            return _Call(node, above[-1], name, arguments[1:-1].strip(), function.name)
    return None


def _is_consumed_in_place(node: ast.Call, above: tuple[ast.AST, ...]) -> bool:
    """Return whether the call's result, such as a generator or coroutine, may have taken the time at the same place."""
    *_, outer, parent = above
    if isinstance(parent, (ast.For, ast.AsyncFor, ast.comprehension)):
        return parent.iter is node
    return isinstance(parent, ast.Await) or (isinstance(parent, ast.withitem) and isinstance(outer, ast.AsyncWith))


def _around(module: ast.Module, lineno: int) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Yield the nodes on a line, each with its ancestors, outermost first."""
    waiting: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(module, ())]
    while waiting:
        node, above = waiting.pop()
        yield node, above
        children = (child for child in ast.iter_child_nodes(node) if _is_on(child, lineno))
        waiting += ((child, (*above, node)) for child in children)


def _is_on(node: ast.AST, lineno: int) -> bool:
    """Return whether a node covers the line; a node without a position may."""
    return getattr(node, "lineno", lineno) <= lineno <= getattr(node, "end_lineno", lineno)


def _span(node: ast.Call) -> tuple[int, int | None, int, int | None]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _wanted(place: SourceRange) -> tuple[int, int, int, int]:
    return place.lineno, place.end_lineno, place.column, place.end_column


def _is_in_body(node: ast.Call, function: ast.AsyncFunctionDef) -> bool:
    """Exclude decorators and defaults, which run where the function is defined."""
    first = function.body[0]
    return (node.lineno, node.col_offset) >= (first.lineno, first.col_offset)


def _cured(call: _Call, called_name: str, cure: Cure) -> tuple[str, str]:
    """Return the replacement of the call and the import it needs; empty if no cure is certain."""
    if not is_written_as(called_name, call.function.rpartition(".")[2]):
        # The function was imported by another name, or is called implicitly, such as ``__exit__`` by ``with``.
        return "", ""
    changed, needs = _awaited(call, called_name, cure)
    return (f"({changed})" if changed and _is_operand(call) else changed), needs


def _awaited(call: _Call, called_name: str, cure: Cure) -> tuple[str, str]:
    arguments = f", {call.arguments}" if call.arguments else ""
    match cure:
        case Cure.ASYNC_SLEEP:
            return f"await asyncio.sleep({call.arguments})", "import asyncio"
        case Cure.THREAD:
            return f"await asyncio.to_thread({call.function}{arguments})", "import asyncio"
        case Cure.DJANGO_THREAD:
            needs = "from asgiref.sync import sync_to_async"
            return f"await sync_to_async({call.function})({call.arguments})", needs
        case Cure.ASYNC_METHOD:
            return _awaited_method(call, called_name)
    return "", ""


def _awaited_method(call: _Call, called_name: str) -> tuple[str, str]:
    owner, dot, written = call.function.rpartition(".")
    name = async_method_of(called_name, written)
    if not name or name == call.caller or _is_of_a_base_class(call.node):
        return "", ""
    needs = "" if dot else f"from {called_name.rpartition('.')[0]} import {name}"
    return f"await {owner}{dot}{name}({call.arguments})", needs


def _is_of_a_base_class(node: ast.Call) -> bool:
    """Return whether an override calls what it replaces: ``super().save()`` or ``Model.save(self)``.

    Django's asynchronous methods call the override: ``asave()`` awaits ``self.save``
    (https://github.com/django/django/blob/5.2/django/db/models/base.py#L933).
    """
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(owner, ast.Call):
        return isinstance(owner.func, ast.Name) and owner.func.id == "super"
    first = node.args[0] if node.args else None
    return isinstance(first, ast.Name) and first.id == "self"


def _is_operand(call: _Call) -> bool:
    """Return whether the call is the left side of a larger expression, as in ``call().read()``."""
    parent = call.parent
    if isinstance(parent, ast.Call):
        return parent.func is call.node
    return isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is call.node
