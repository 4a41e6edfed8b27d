"""The report as one JSON object, for programs."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from loopwatch.reporting.report import Report


def render_json(report: Report) -> str:
    """Moments are ISO 8601 with their offset; text is escaped to ASCII, so that it survives any terminal and pipe."""
    document = {
        "generated_at": report.generated_at,
        "since": report.since,
        "totals": asdict(report.totals),
        "findings": [asdict(finding) for finding in report.findings],
    }
    return json.dumps(document, indent=2, default=_encode)


def _encode(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a report.")
