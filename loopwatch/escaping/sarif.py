"""Escapes the text of messages in SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

import re

from loopwatch.escaping.terminal import visible

_LINK = re.compile(r"([\\\[\]])")
_PLACEHOLDER = re.compile(r"([{}])")


def sarif_text(text: str) -> str:
    """Escape links (brackets, section 3.11.6) and placeholders (braces, section 3.11.5)."""
    return _PLACEHOLDER.sub(r"\1\1", _LINK.sub(r"\\\1", visible(text)))
