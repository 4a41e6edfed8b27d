"""Renders the findings as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the lines of code.

Only findings in the repository are results, because places elsewhere are refused or shown in the wrong file. The others
are notifications of the run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from loopwatch._version import __version__
from loopwatch.advice import Advice
from loopwatch.escaping.json_document import json_document
from loopwatch.escaping.sarif import sarif_text
from loopwatch.models import Finding
from loopwatch.reporting.event_cure import advice_on_finding
from loopwatch.reporting.finding_message import message, title
from loopwatch.reporting.release_change import BETTER, GONE, NEW, SAME, WORSE
from loopwatch.reporting.report import Report, ReportedFinding
from loopwatch.reporting.repository import Repository, RepositoryLine
from loopwatch.reporting.sarif_locations import ROOT, code_flows, physical_location
from loopwatch.rows.stacks import StoredFrame

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_BASELINE = {NEW: "new", GONE: "absent", WORSE: "updated", BETTER: "updated", SAME: "unchanged"}
_OUTSIDE = "outside-repository"


def render_sarif(
    report: Report, repository: Repository, stacks: Mapping[str, Sequence[StoredFrame]] | None = None
) -> str:
    """Render one run. In a comparison, every finding has its ``baselineState``.

    ``stacks`` are stacks of findings, by fingerprint, outermost frame first.
    """
    placed = [(finding, repository.place(finding)) for finding in report.findings]
    flows = {name: code_flows(frames, repository) for name, frames in (stacks or {}).items()}
    results = [_result(finding, place, flows.get(finding.fingerprint, [])) for finding, place in placed if place]
    outside = [_outside(finding) for finding, place in placed if place is None]
    advice = {_rule_id(each): each for each in (advice_on_finding(finding) for finding, place in placed if place)}
    run = {
        "tool": {"driver": _driver(advice)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": outside}],
        "results": results,
    }
    return json_document({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def outside(report: Report, repository: Repository) -> list[ReportedFinding]:
    """Return the findings that are no results, because their file is not in the repository."""
    return [finding for finding in report.findings if repository.place(finding) is None]


def _driver(advice: dict[str, Advice]) -> dict[str, Any]:
    return {
        "name": "loopwatch",
        "semanticVersion": __version__,
        "rules": [_rule(rule, each) for rule, each in sorted(advice.items())],
        "notifications": [{"id": _OUTSIDE, "shortDescription": {"text": "A finding lies outside of the repository"}}],
    }


def _rule(rule: str, advice: Advice) -> dict[str, Any]:
    text = sarif_text(" ".join(filter(None, (advice.cure, advice.caveat))))
    described = {
        "id": rule,
        "shortDescription": {"text": f"A call blocks the event loop ({advice.topic})"},
        "fullDescription": {"text": f"While the call lasts, every other request of the process waits. {text}"},
        "help": {"text": text},
        "defaultConfiguration": {"level": "warning"},
    }
    return described | ({"helpUri": advice.link} if advice.link else {})


def _rule_id(advice: Advice) -> str:
    return f"blocking-{advice.topic.replace(' ', '-')}"


def _result(finding: ReportedFinding, place: RepositoryLine, flows: list[dict[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": _rule_id(advice_on_finding(finding)),
        "level": "warning",
        "message": {"text": sarif_text(message(finding))},
        "locations": [
            {
                "physicalLocation": physical_location(place),
                "logicalLocations": [{"fullyQualifiedName": finding.function, "kind": "function"}],
            }
        ],
        "partialFingerprints": {"loopwatchFinding/v1": finding.fingerprint},
        "occurrenceCount": max(1, finding.events),
    }
    if flows:
        result["codeFlows"] = flows
    if finding.change:
        result["baselineState"] = _BASELINE[finding.change.kind]
    if finding.status == Finding.Status.IGNORED:
        result["suppressions"] = [{"kind": "external"}]
    return result


def _outside(finding: ReportedFinding) -> dict[str, Any]:
    where = finding.place or "no file is known"
    return {
        "level": "note",
        "message": {"text": sarif_text(f"{title(finding)}, outside of the repository: {finding.function} ({where}).")},
        "descriptor": {"id": _OUTSIDE, "index": 0},
    }
