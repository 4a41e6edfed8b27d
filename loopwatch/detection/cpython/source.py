"""Finds the source of an instruction: its span and its text. Reads files, so not on the loop's thread."""

import linecache
import re
from itertools import islice
from types import CodeType
from typing import NamedTuple

MAX_SOURCE_CHARACTERS = 200
_MAX_DECORATOR_LINES = 100
_STATEMENTS = ("with ", "for ", "async with ", "async for ")


class Span(NamedTuple):
    """Lines from 1, columns from 0 in UTF-8 bytes; 0 where the interpreter does not know."""

    lineno: int
    end_lineno: int
    column: int
    end_column: int


def span_at(code: CodeType, offset: int) -> Span:
    """Return the span of the expression that the instruction at ``offset`` belongs to."""
    position = next(islice(code.co_positions(), max(0, offset // 2), None), (None, None, None, None))
    lineno = position[0] or code.co_firstlineno
    if lineno == code.co_firstlineno and (defined_at := definition_line(code)) != lineno:
        return Span(defined_at, defined_at, 0, 0)
    return Span(lineno, position[1] or lineno, position[2] or 0, position[3] or 0)


def source_lines(filename: str) -> list[str]:
    """Return the lines of a file; none if it cannot be read, whatever its name is and its module's loader raises."""
    try:
        return linecache.getlines(filename)
    except Exception:  # noqa: BLE001 - ``linecache`` lets a ``ValueError`` of an odd name through (before 3.15)
        return []


def definition_line(code: CodeType) -> int:
    """Return the line of a function's ``def``, which follows those of its decorators."""
    first = code.co_firstlineno
    lines = source_lines(code.co_filename)[first - 1 : first - 1 + _MAX_DECORATOR_LINES]
    if not lines or not lines[0].lstrip().startswith("@"):
        return first
    defines = re.compile(rf"\s*(async\s+)?(def|class)\s+{re.escape(code.co_name)}\b")
    return next((first + index for index, line in enumerate(lines) if defines.match(line)), first)


def text_of(filename: str, span: Span) -> str:
    """Return the source of a span on one line, shortened; empty if it cannot be read."""
    lines = source_lines(filename)[span.lineno - 1 : span.end_lineno]
    if not lines:
        return ""
    if span.end_column > 0:
        encoded = [line.encode(errors="replace") for line in lines]
        encoded[-1] = encoded[-1][: span.end_column]
        encoded[0] = encoded[0][span.column :]
        lines = [line.decode(errors="replace") for line in encoded]
    if lines[0].lstrip().startswith(_STATEMENTS):
        lines = lines[:1]  # what blocks is in the header, not in the body
    text = " ".join(" ".join(lines).split())
    return text if len(text) <= MAX_SOURCE_CHARACTERS else text[: MAX_SOURCE_CHARACTERS - 1] + "…"
