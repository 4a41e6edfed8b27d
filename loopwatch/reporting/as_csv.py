"""The report as comma-separated values, for a spreadsheet: a row for each finding or group, headings first."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from loopwatch.escaping.spreadsheet import cell
from loopwatch.reporting.records import names, records
from loopwatch.reporting.report import Report


def render_csv(report: Report) -> str:
    """As RFC 4180 says, with a heading even where there is no row."""
    rows = [dict(_flat(record)) for record in records(report)]
    output = io.StringIO(newline="")
    writer = csv.DictWriter(output, fieldnames=list(rows[0]) if rows else names(report))
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return output.getvalue()


def _flat(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}_")
        else:
            yield prefix + name, ", ".join(value) if isinstance(value, tuple) else value
