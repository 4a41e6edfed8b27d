"""Finds the templates of Django and Jinja behind frames.

Jinja compiles a template to Python functions with other names and lines. It leaves the name of the template, and which
lines became which, in their globals: https://github.com/pallets/jinja/blob/3.1.6/src/jinja2/environment.py#L1221

Django interprets a template node by node. The method that renders a node has the node among its variables, and the node
has the token that it was made from: https://github.com/django/django/blob/5.2/django/template/base.py#L956
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from loopwatch.detection.cpython.frame_marks import is_traced
from loopwatch.detection.cpython.frames import forget_locals, locals_of
from loopwatch.detection.cpython.namespaces import module_name, static_attribute, variable

RENDERS_NODE = "render_annotated"
"""The method of Django's that renders a node."""
_DJANGO = "django.template.base"
_PAIR = re.compile(r"\b(\d{1,9})=(\d{1,9})\b", re.ASCII)
_BLOCK = "block_"
_MAX_TAG_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class JinjaTemplate:
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

    def file_of(self, code: CodeType) -> str:
        return code.co_filename


@dataclass(frozen=True, slots=True)
class DjangoTemplate:
    """``tag`` is what is being rendered at ``lineno``: ``{% for %}``, ``{{ book.author }}``."""

    name: str
    filename: str
    lineno: int
    tag: str

    def line_of(self, _lineno: int) -> int:
        return self.lineno

    def part_of(self, _code: CodeType) -> str:
        return " ".join(filter(None, ("template", self.name, self.tag)))

    def file_of(self, _code: CodeType) -> str:
        return self.filename


Template = JinjaTemplate | DjangoTemplate


def template_at(code: CodeType, namespace: Mapping[str, Any], frame: FrameType | None) -> Template | None:
    """Return the template whose code or node runs in a frame, if one does.

    ``namespace`` are the frame's globals. The frame itself is looked into only for a node of Django's.
    """
    if variable(namespace, "__name__") is None:
        return _of_jinja(namespace)
    if frame is None or is_traced(frame) or code.co_name != RENDERS_NODE or module_name(namespace) != _DJANGO:
        return None
    variables = locals_of(frame)
    try:
        return _of_django(variable(variables, "self"), namespace)
    finally:
        forget_locals(frame, variables)


def _of_jinja(namespace: Mapping[str, Any]) -> JinjaTemplate | None:
    name, lines = variable(namespace, "name"), variable(namespace, "debug_info")
    return JinjaTemplate(name if type(name) is str else "", lines) if type(lines) is str else None


def _of_django(node: object, namespace: Mapping[str, Any]) -> DjangoTemplate | None:
    """Read what the parser has noted in a node, without running code of its class, which may be the site's."""
    token = static_attribute(node, "token")
    if type(token) is not namespace.get("Token"):
        return None
    name = filename = ""
    origin = static_attribute(node, "origin")
    if type(origin) is namespace.get("Origin"):
        name, filename = _text(origin.template_name), _text(origin.name)
    lineno = token.lineno if type(token.lineno) is int else 0
    return DjangoTemplate(name, filename, lineno, _tag(token, namespace["TokenType"]))


def _tag(token: Any, types: Any) -> str:
    contents = _text(token.contents)
    if token.token_type is types.VAR:
        is_long = len(contents) > _MAX_TAG_CHARACTERS
        return f"{{{{ {contents[: _MAX_TAG_CHARACTERS - 1] + '…' if is_long else contents} }}}}"
    return f"{{% {contents.partition(' ')[0]} %}}" if token.token_type is types.BLOCK else ""


def _text(value: object) -> str:
    return str.__str__(value) if issubclass(type(value), str) else ""
