"""Makes cells of CSV files safe for spreadsheets: https://owasp.org/www-community/attacks/CSV_Injection."""

import re
from datetime import datetime
from typing import Any

_BEGINS_FORMULA = re.compile(r"[\t\r\n]| *[=+\-@＝＋－＠]")
# A spreadsheet with another list separator than the comma splits there, even inside quotes.
_FORMULA_AFTER_SEPARATOR = re.compile(r"(?<=[;\t\r\n])(?=[\s\"']*[=+\-@＝＋－＠])")


def cell(value: Any) -> Any:
    """Return a value that is safe in a spreadsheet, with an apostrophe before anything that would be a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = _FORMULA_AFTER_SEPARATOR.sub("'", value)
    return f"'{text}" if _BEGINS_FORMULA.match(text) else text
