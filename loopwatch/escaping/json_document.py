"""Writes JSON that every parser reads."""

import json
import re
from collections.abc import Callable
from typing import Any

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def json_document(value: object, *, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """Return a value as JSON in ASCII.

    Lone surrogates become U+FFFD, because strict parsers refuse them (RFC 8259, section 8.2).
    """
    text = json.dumps(value, indent=indent, default=default, ensure_ascii=False)
    return _NOT_ASCII.sub(_escaped, _LONE_SURROGATE.sub("\ufffd", text))


def readable_json(value: object) -> str:
    """Return a value as indented JSON for people, encodable as UTF-8."""
    return _LONE_SURROGATE.sub("\ufffd", json.dumps(value, indent=2, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found.group())[1:-1]
