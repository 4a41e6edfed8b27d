"""Makes text safe for terminals, which interpret control characters and bidirectional marks."""

import unicodedata

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def visible(text: str) -> str:
    """Escape control characters, line breaks and lone surrogates as Python would write them."""
    return "".join(_spelled(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


def _spelled(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
