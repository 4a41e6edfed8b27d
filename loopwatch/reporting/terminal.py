"""Measures and shortens text on a terminal."""

import unicodedata

_ELLIPSIS = "…"
_EMOJI_VARIANT = "\ufe0f"


def width_of(text: str) -> int:
    """Count terminal columns: two for a wide (CJK, emoji) character, none for a combining mark."""
    return sum(map(_char_width, text))


def shorten(text: str, width: int) -> str:
    """Cut the middle of a text wider than ``width`` columns, because both ends of a qualified name matter."""
    if width_of(text) <= width:
        return text
    head = _fitting(text, (width - 1) // 2)
    tail = _fitting(text[::-1], width - 1 - width_of(head))[::-1]
    return f"{head}{_ELLIPSIS}{tail}"


def _fitting(text: str, width: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += _char_width(char)
        if used > width:
            return text[:index]
    return text


def _char_width(char: str) -> int:
    if char == _EMOJI_VARIANT:
        return 1
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
