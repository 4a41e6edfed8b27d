"""Finds Jinja's templates behind their frames.

Jinja compiles a template to Python functions with other names and lines. It leaves the name of the template, and which
lines became which, in their globals: https://github.com/pallets/jinja/blob/3.1.6/src/jinja2/environment.py#L1221
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

_PAIR = re.compile(r"\b(\d{1,9})=(\d{1,9})\b", re.ASCII)
_BLOCK = "block_"


@dataclass(frozen=True, slots=True)
class Template:
    """``lines`` pairs lines of the template with lines of its code, as Jinja writes them: ``1=13&2=20``."""

    name: str
    lines: str

    def line_of(self, lineno: int) -> int:
        """Return the line of the template that a line of its code comes from; 0 if it is not known."""
        pairs = ((int(compiled), int(line)) for line, compiled in _PAIR.findall(self.lines))
        return max((pair for pair in pairs if pair[0] <= lineno), default=(0, 0))[1]

    def part_of(self, code: CodeType) -> str:
        """Return what a function of the template renders: the whole template, a block, or a named part."""
        function = code.co_name
        if function == "root":
            return f"template {self.name}".rstrip()
        return f"block {function.removeprefix(_BLOCK)}" if function.startswith(_BLOCK) else function


def template_of(namespace: Mapping[str, Any]) -> Template | None:
    """Return the template whose code has these globals, if they are a template's."""
    name, lines = namespace.get("name"), namespace.get("debug_info")
    return Template(name if type(name) is str else "", lines) if type(lines) is str else None
