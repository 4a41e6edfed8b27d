"""Cells of CSV files, which spreadsheets open: https://owasp.org/www-community/attacks/CSV_Injection."""

import re
from datetime import datetime
from typing import Any

_BEGINS_FORMULA = re.compile(r"[\t\r\n]| *[=+\-@＝＋－＠]")
# Where a list separator is not a comma, text is cut into cells at the other one, whatever is quoted.
_FORMULA_AFTER_SEPARATOR = re.compile(r"(?<=[;\t\r\n])(?=[\s\"']*[=+\-@＝＋－＠])")


def cell(value: Any) -> Any:
    """A value as a spreadsheet may safely open it: an apostrophe stands before what would be a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = _FORMULA_AFTER_SEPARATOR.sub("'", value)
    return f"'{text}" if _BEGINS_FORMULA.match(text) else text
