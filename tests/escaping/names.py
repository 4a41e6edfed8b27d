"""Lists names that attack the formats they are printed in."""

import unicodedata

from hypothesis import strategies as st

TRICKS = [
    "=1+1", "x;=1+1", 'x;"=1+1', "x\t@SUM(A1)", "a\n=1", "＝1", "-1", "; +1", ";' -1", "a,=1",
    "\x1b[2J", "\x1b]0;title\x07", "\u202e", "\u2066", "\x9b31m", "\r\nWARNING forged", "\u2028", "\x00",
    "\udc80", "\x85",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "' onload='x", '"><b>', "javascript:alert(1)", "&lt;",
    "[a](javascript:alert(1))", "![x](//evil.example)", "\\", "\\[", "`", "``", "|", "\\|", "<!--", "* x", "$x$", "~~",
    "# x", "]]>", "{0}", "{{", "}", "^rx[a-z](x)", "%0A::error::x", "::error::x", ",file=/etc/passwd", "%", ": ", ";",
    " 5", "名前", "🐌", "",
]  # fmt: skip
names = st.lists(st.sampled_from(TRICKS) | st.text(max_size=5), max_size=4).map("".join)


def is_invisible(char):
    """Return whether a terminal may interpret the character."""
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
