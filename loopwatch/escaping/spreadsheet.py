"""Makes cells of CSV files safe for spreadsheets: https://owasp.org/www-community/attacks/CSV_Injection."""

import re
from datetime import datetime
from typing import Any

from loopwatch.escaping.terminal import visible

_BEGINS_FORMULA = re.compile(r"[\t\r\n]| *[=+\-@＝＋－＠]")
# A spreadsheet with another list separator than the comma splits there, even inside quotes.
_FORMULA_AFTER_SEPARATOR = re.compile(r"(?<=[;\t\r\n])(?=[\s\"']*[=+\-@＝＋－＠])")

# Line breaks and tabs are text in a spreadsheet. The others do something only on a terminal that shows the file.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def cell(value: Any) -> Any:
    """Return a value that is safe in a spreadsheet, with an apostrophe before anything that would be a formula.

    Control characters are escaped.
    """
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = _FORMULA_AFTER_SEPARATOR.sub("'", _CONTROL.sub(lambda found: visible(found[0]), value))
    return f"'{text}" if _BEGINS_FORMULA.match(text) else text
