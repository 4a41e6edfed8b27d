"""What a test's report carries, from xdist's workers too: a string of JSON in ASCII, which any name can travel in."""

import json
from dataclasses import dataclass
from typing import Any, Self

import pytest

from loopwatch.testing.finding import FindingInTest


@dataclass(frozen=True, slots=True)
class ReportPayload:
    """``rules`` are those of the test's markers, as they were written. ``is_failure``: the test fails for it alone."""

    found: list[FindingInTest]
    rules: list[str]
    disturbances: int = 0
    dropped: int = 0
    is_failure: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.found or self.rules or self.disturbances or self.dropped)

    def write(self, report: pytest.TestReport) -> None:
        content = [[each.as_dict() for each in self.found], self.rules, self.disturbances, self.dropped]
        told: Any = report
        told.loopwatch = json.dumps([*content, self.is_failure])

    @classmethod
    def read(cls, report: pytest.TestReport) -> Self | None:
        text: str | None = getattr(report, "loopwatch", None)
        if text is None:
            return None
        found, *others = json.loads(text)
        return cls([FindingInTest.from_dict(fields) for fields in found], *others)
