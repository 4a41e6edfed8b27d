"""Rows as the lines of a file."""

import csv
import json
from collections.abc import Generator, Iterable, Sequence
from typing import Any

# A spreadsheet takes what begins like this for a formula, and runs it: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


class _Line:
    """Takes what the writer writes, and gives it back."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def csv_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Generator[str]:
    """A heading and a line each (RFC 4180). Text that a spreadsheet would run has an apostrophe before it."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(names)
    yield line.text
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
        yield line.text


def json_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Generator[str]:
    """One array of objects, an object a line."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(dict(zip(names, row, strict=True)))
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
