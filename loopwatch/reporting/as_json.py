"""Renders the report as one JSON object, for programs."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from loopwatch.escaping.json_document import json_document
from loopwatch.reporting.records import comparison_record, records
from loopwatch.reporting.report import FINDING, Report


def render_json(report: Report) -> str:
    """Render the report, with moments as ISO 8601 and their offset, and text escaped to ASCII.

    Groups are a separate list: ``group_by`` is its subject, and also the key in each group that holds its name.
    """
    document: dict[str, Any] = {"generated_at": report.generated_at, "since": report.since}
    if report.comparison:
        document["comparison"] = comparison_record(report.comparison)
    document["totals"] = asdict(report.totals)
    if report.group_by == FINDING:
        document["findings"] = records(report)
        if report.comparison is None:
            document["thread_waits"] = [asdict(wait) for wait in report.thread_waits]
    else:
        document |= {
            "group_by": report.group_by,
            "groups_in_all": report.groups_in_all,
            "groups": records(report),
        }
    return json_document(document, indent=2, default=_encode)


def _encode(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a report.")
