"""Rows as the lines of a file."""

import csv
from collections.abc import Generator, Iterable, Sequence
from typing import Any

from loopwatch.escaping.json_document import json_document
from loopwatch.escaping.spreadsheet import cell


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
        writer.writerow([cell(value) for value in row])
        yield line.text


def json_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Generator[str]:
    """One array of objects, an object a line."""
    before = "[\n"
    for row in rows:
        yield before + json_document(dict(zip(names, row, strict=True)))
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"
