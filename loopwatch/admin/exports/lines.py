"""Formats rows as the lines of a CSV or JSON file."""

import csv
from collections.abc import Generator, Iterable, Sequence
from typing import Any

from loopwatch.escaping.json_document import json_document
from loopwatch.escaping.spreadsheet import cell


class _Line:
    """Is a file that holds only the last line written to it."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def csv_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Generator[str]:
    """Yield a heading and one line per row (RFC 4180), with an apostrophe before text that begins like a formula."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(names)
    yield line.text
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield line.text


def json_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Generator[str]:
    """Yield one array of objects, with one object per line."""
    before = "[\n"
    for row in rows:
        yield before + json_document(dict(zip(names, row, strict=True)))
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"
