"""Attaches findings to pytest's test reports, as ASCII JSON: xdist can send it, and any name survives it."""

import json
from dataclasses import dataclass
from typing import Any, Self

import pytest

from loopwatch.testing.finding import FindingInTest


@dataclass(frozen=True, slots=True)
class ReportPayload:
    """Carries the findings of one test. ``rules`` are the texts of its markers' rules.

    ``is_failure`` says that the test fails for its findings alone.
    """

    findings: list[FindingInTest]
    rules: list[str]
    disturbances: int = 0
    dropped: int = 0
    is_failure: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.findings or self.rules or self.disturbances or self.dropped)

    def write(self, report: pytest.TestReport) -> None:
        findings = [finding.as_dict() for finding in self.findings]
        carrier: Any = report
        carrier.loopwatch = json.dumps([findings, self.rules, self.disturbances, self.dropped, self.is_failure])

    @classmethod
    def read(cls, report: pytest.TestReport) -> Self | None:
        text: str | None = getattr(report, "loopwatch", None)
        if text is None:
            return None
        findings, *others = json.loads(text)
        return cls([FindingInTest.from_dict(fields) for fields in findings], *others)
