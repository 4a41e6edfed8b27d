"""Finds the place for an import that a rewritten module lacks, in the order that isort keeps."""

import ast
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

_FUTURE: Final = "__future__"
_STAYS_ON_TOP: Final = re.compile(r"#!|[ \t\f]*#.*?coding[:=]")
"""A line that the kernel, or Python by PEP 263, looks for in the first two lines of a file."""


@dataclass(frozen=True, slots=True)
class ImportPlace:
    """Says which line (from 1) to insert before, and whether blank lines separate the import from its neighbours."""

    lineno: int
    blank_before: bool = False
    blank_after: bool = False


def has_import(module: ast.Module, needed: str) -> bool:
    """Return whether the module has this import statement's names at its top level."""
    wanted = _statement(needed)
    return any(type(node) is type(wanted) and _bound(wanted) <= _bound(node) for node in module.body)


def is_bound_otherwise(module: ast.Module, needed: str) -> bool:
    """Return whether the name that an import statement binds may be something else in the module.

    A function that imports the same name has it as a local variable, which is unbound before.
    """
    wanted = _statement(needed)
    ((source, name),) = _bound(wanted)
    rest = (node for node in ast.walk(module) if not (node in module.body and _imports(node, source, name)))
    return any(name in _names_bound_by(node) for node in rest)


def _imports(node: ast.AST, source: str, name: str) -> bool:
    """Return whether a statement imports this name; ``import asyncio.queues`` imports ``asyncio``, too."""
    return any(origin == source and (each == name or each.startswith(f"{name}.")) for origin, each in _bound(node))


def _names_bound_by(node: ast.AST) -> set[str | None]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name) | ast.MatchMapping(rest=name):
            return {name}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return {name}
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {alias.asname or alias.name.partition(".")[0] for alias in aliases}
    return set()


def import_place(source: str, needed: str) -> ImportPlace:
    """Return where to insert an import statement among the imports that a module's source begins with.

    Raises ``SyntaxError``.
    """
    module = ast.parse(source)
    wanted = _order(_statement(needed))
    docstring, imports = _head(module)
    later = next((node for node in imports if _order(node) > wanted), None)
    earlier = [node for node in imports if _order(node) <= wanted]
    if earlier and (later is None or _section(earlier[-1]) == wanted[0]):
        return ImportPlace(_end(earlier[-1]) + 1, blank_before=_section(earlier[-1]) != wanted[0])
    if later is not None:
        return ImportPlace(later.lineno, blank_after=_section(later) != wanted[0])
    if docstring:
        return ImportPlace(_end(docstring) + 1, blank_before=True)
    lines = source.split("\n")
    comments = _comments_on_top(lines)
    return ImportPlace(
        comments + 1, blank_before=comments > 0, blank_after=comments == 0 or bool(lines[comments].strip())
    )


def _comments_on_top(lines: Sequence[str]) -> int:
    """Return how many lines an import must follow, or comments that have lines to themselves, such as a licence."""
    count = len(list(takewhile(lambda line: line.startswith("#"), lines)))
    if lines[count].strip():  # they are about the first statement
        count = 0
    return max([count, *(number for number, line in enumerate(lines[:2], 1) if _STAYS_ON_TOP.match(line))])


def _statement(text: str) -> ast.stmt:
    (statement,) = ast.parse(text).body
    return statement


def _head(module: ast.Module) -> tuple[ast.stmt | None, Sequence[ast.stmt]]:
    """Return the docstring, and the imports before the first other statement."""
    first, *others = module.body
    docstring = first if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else None
    statements = others if docstring else module.body
    return docstring, list(takewhile(lambda node: isinstance(node, (ast.Import, ast.ImportFrom)), statements))


def _order(node: ast.stmt) -> tuple[int, bool, str]:
    return _section(node), isinstance(node, ast.ImportFrom), _module_of(node)


def _section(node: ast.stmt) -> int:
    """Return the section of an import: the future, the standard library, packages, the package itself."""
    if isinstance(node, ast.ImportFrom) and node.level:
        return 3
    name = _module_of(node).partition(".")[0]
    return 0 if name == _FUTURE else 1 if name in sys.stdlib_module_names else 2


def _module_of(node: ast.stmt) -> str:
    if isinstance(node, ast.Import):
        return node.names[0].name
    return (node.module or "") if isinstance(node, ast.ImportFrom) else ""


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _bound(node: ast.AST) -> set[tuple[str, str]]:
    if isinstance(node, ast.Import):
        return {("", alias.name) for alias in node.names if alias.asname is None}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "", alias.name) for alias in node.names if alias.asname is None}
    return set()
