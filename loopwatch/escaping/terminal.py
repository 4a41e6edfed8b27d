"""Text for terminals, which take some characters for commands and others for a change of direction."""

import unicodedata

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def visible(text: str) -> str:
    """Spell out control characters, line breaks and lone surrogates: names are data, never terminal commands."""
    return "".join(_spelled(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


def _spelled(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
