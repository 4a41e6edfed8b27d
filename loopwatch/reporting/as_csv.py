"""Renders the report as comma-separated values, with a heading and a row for each finding or group."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from loopwatch.escaping.spreadsheet import cell
from loopwatch.reporting.records import names, records
from loopwatch.reporting.report import Report


def render_csv(report: Report) -> str:
    """Render the rows as RFC 4180 defines them, with a heading even if there are none."""
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
