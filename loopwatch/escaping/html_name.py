"""Names in HTML, escaped, with the places at which a browser may break a line."""

import re

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

_BREAK = re.compile(r"(?<=[./_])")


def breakable(name: str) -> SafeString:
    """Return a dotted name or a path as HTML that breaks after its separators."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in _BREAK.split(name)))
