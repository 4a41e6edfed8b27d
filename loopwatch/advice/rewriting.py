"""The line of a blocking call, rewritten: only where that is certain.

It is where the place is known to the column, the expression there is a call, the function around it is a coroutine
function, and the call's cure fits whatever its arguments are. Everything else is left to the reader.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from loopwatch.advice.advice import Cure
from loopwatch.advice.coroutines import parsed
from loopwatch.advice.django_async_methods import async_method_of, is_written_as
from loopwatch.advice.match import advice_for

# What an ``await`` would belong to, or may not stand in; the columns inside of an f-string are not those of the file.
_OUTER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp, ast.ClassDef, ast.JoinedStr)


class SourceRange(Protocol):
    """An expression in a file: lines from 1, columns from 0 in UTF-8 bytes, as frames have them."""

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
    """The lines of the call with ``changed`` in its place, and the import that the module lacks, if it does."""

    before: str
    changed: str
    after: str
    needs: str = ""

    @property
    def text(self) -> str:
        return f"{self.before}{self.changed}{self.after}"


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as written: its function, its arguments between the parentheses, and what it is a part of."""

    node: ast.Call
    parent: ast.AST
    function: str
    arguments: str


def rewritten(lines: Sequence[str], place: SourceRange, *, called_name: str, cause: str) -> Rewriting | None:
    """Rewrite the call at a place of a file, given by its lines; ``None`` where it is not certain what is right.

    ``called_name`` is what the expression calls, by its qualified name.
    """
    module = parsed(lines) if place.end_column else None
    if module is None:
        return None
    call = _call_at(module, "\n".join(lines), place)
    changed, needs = _cured(call, called_name, cause) if call else ("", "")
    if not changed or not _is_python(changed):
        return None
    first, last = lines[place.lineno - 1].encode(), lines[place.end_lineno - 1].encode()
    before, after = first[: place.column].decode().lstrip(), last[place.end_column :].decode()
    return Rewriting(before, changed, after, "" if _has(module, needs) else needs)


def _is_python(expression: str) -> bool:
    """Arguments may be written in a way that they cannot be in another call: ``f(x for x in rows)``."""
    try:
        ast.parse(f"async def _():\n ({expression})")
    except SyntaxError:
        return False
    return True


def _call_at(module: ast.Module, source: str, place: SourceRange) -> _Call | None:
    """The call that stands exactly there, if the innermost function around it is a coroutine function."""
    for node, above in _around(module, place.lineno):
        if not isinstance(node, ast.Call) or _span(node) != _wanted(place):
            continue
        function = next((each for each in reversed(above) if isinstance(each, _OUTER)), None)
        written = ast.get_source_segment(source, node) or ""
        name = ast.get_source_segment(source, node.func) or ""
        arguments = written.removeprefix(name).strip()
        is_plain = written.startswith(name) and arguments.startswith("(") and arguments.endswith(")")
        is_awaitable_there = isinstance(function, ast.AsyncFunctionDef) and _is_in_body(node, function)
        if is_plain and is_awaitable_there and not _is_gone_on_with(node, above):
            return _Call(node, above[-1], name, arguments[1:-1].strip())
    return None


def _is_gone_on_with(node: ast.Call, above: tuple[ast.AST, ...]) -> bool:
    """Whether what the call returned may have taken the time, whose place is the same: a generator, a coroutine."""
    *_, outer, parent = above
    if isinstance(parent, (ast.For, ast.AsyncFor, ast.comprehension)):
        return parent.iter is node
    return isinstance(parent, ast.Await) or (isinstance(parent, ast.withitem) and isinstance(outer, ast.AsyncWith))


def _around(module: ast.Module, lineno: int) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """The nodes on a line, each with those it is a part of, outermost first."""
    waiting: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(module, ())]
    while waiting:
        node, above = waiting.pop()
        yield node, above
        children = (child for child in ast.iter_child_nodes(node) if _is_on(child, lineno))
        waiting += ((child, (*above, node)) for child in children)


def _is_on(node: ast.AST, lineno: int) -> bool:
    """Whether a node reaches the line; those without a line of their own may."""
    return getattr(node, "lineno", lineno) <= lineno <= getattr(node, "end_lineno", lineno)


def _span(node: ast.Call) -> tuple[int, int | None, int, int | None]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _wanted(place: SourceRange) -> tuple[int, int, int, int]:
    return place.lineno, place.end_lineno, place.column, place.end_column


def _is_in_body(node: ast.Call, function: ast.AsyncFunctionDef) -> bool:
    """Not a decorator or a default: those run where the function is defined."""
    first = function.body[0]
    return (node.lineno, node.col_offset) >= (first.lineno, first.col_offset)


def _cured(call: _Call, called_name: str, cause: str) -> tuple[str, str]:
    """The call as it should be, and the import that this takes; empty where no cure is certain."""
    if not is_written_as(called_name, call.function.rpartition(".")[2]):
        # Imported by another name, or not written there at all, such as ``__exit__`` of a ``with`` statement.
        return "", ""
    changed, needs = _awaited(call, called_name, cause)
    return (f"({changed})" if changed and _is_operand(call) else changed), needs


def _awaited(call: _Call, called_name: str, cause: str) -> tuple[str, str]:
    arguments = f", {call.arguments}" if call.arguments else ""
    match advice_for(called_name, cause=cause).call_cure:
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
    twin = async_method_of(called_name, written)
    if not twin:
        return "", ""
    needs = "" if dot else f"from {called_name.rpartition('.')[0]} import {twin}"
    return f"await {owner}{dot}{twin}({call.arguments})", needs


def _is_operand(call: _Call) -> bool:
    """Whether what is around the call takes it for its own left side, as in ``call().read()``."""
    parent = call.parent
    if isinstance(parent, ast.Call):
        return parent.func is call.node
    return isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is call.node


def _has(module: ast.Module, needs: str) -> bool:
    """Whether the module's own level has this import."""
    if not needs:
        return True
    (wanted,) = ast.parse(needs).body
    return any(type(node) is type(wanted) and _bound(wanted) <= _bound(node) for node in module.body)


def _bound(node: ast.stmt) -> set[tuple[str, str]]:
    if isinstance(node, ast.Import):
        return {("", alias.name) for alias in node.names if alias.asname is None}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "", alias.name) for alias in node.names if alias.asname is None}
    return set()
