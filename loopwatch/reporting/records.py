"""Converts the report to plain values with stable names, for formats that programs read."""

from dataclasses import asdict, fields
from typing import Any

from loopwatch.reporting.release_change import ComparedRelease, Comparison, Rate
from loopwatch.reporting.report import FINDING, Group, Report, ReportedFinding


def records(report: Report) -> list[dict[str, Any]]:
    """Return a record for each finding or group. Moments stay ``datetime``."""
    if report.group_by == FINDING:
        return [_finding(finding) for finding in report.findings]
    return [_group(group, report.group_by) for group in report.groups]


def names(report: Report) -> list[str]:
    """Return the names of the values in a record, except those of a change."""
    if report.group_by == FINDING:
        return ["headline", *(field.name for field in fields(ReportedFinding) if field.name != "change")]
    return [{"name": report.group_by}.get(field.name, field.name) for field in fields(Group)]


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    return {
        "before": _release(comparison.before),
        "after": _release(comparison.after),
        "counts": dict(comparison.counts),
    }


def _finding(finding: ReportedFinding) -> dict[str, Any]:
    record = {"headline": finding.headline} | asdict(finding)
    del record["change"]
    if finding.change:
        record["change"] = {
            "kind": finding.change.kind,
            "too_early": finding.change.is_early,
            "before": _rate(finding.change.before),
            "after": _rate(finding.change.after),
        }
    return record


def _group(group: Group, group_by: str) -> dict[str, Any]:
    values = asdict(group)
    return {group_by: values.pop("name")} | values


def _release(release: ComparedRelease) -> dict[str, Any]:
    values = asdict(release)
    return {"release": values.pop("name")} | values


def _rate(rate: Rate) -> dict[str, Any]:
    return asdict(rate) | {
        "events_per_hour": round(rate.events_per_hour, 6),
        "blocked_ms_per_hour": round(rate.blocked_ms_per_hour, 6),
    }
