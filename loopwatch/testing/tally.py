"""Adds up what was found in all tests of a run: one entry a finding, how often each rule was hit."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loopwatch.testing.baseline import Baseline
from loopwatch.testing.found import Found, Verdict
from loopwatch.testing.places import shown

VERSION = 1
_WORST_FIRST = {Verdict.NEW: 0, Verdict.KNOWN: 1, Verdict.ALLOWED: 2}


@dataclass(slots=True)
class Finding:
    """All stalls with one fingerprint and one verdict. ``longest`` stands for them."""

    longest: Found
    events: int = 0
    blocked_ms: float = 0.0
    tests: Counter[str] = field(default_factory=Counter)

    def add(self, found: Found) -> None:
        self.events += 1
        self.blocked_ms += found.duration_ms
        self.tests[found.test] += 1
        if found.duration_ms > self.longest.duration_ms:
            self.longest = found

    def as_dict(self) -> dict[str, Any]:
        longest = self.longest
        return {
            "fingerprint": longest.fingerprint,
            "blocking_call": longest.blocking_call,
            "function": longest.function,
            "filename": shown(longest.filename),
            "lineno": longest.lineno,
            "source": longest.source,
            "exact": longest.exact,
            "cause": longest.cause,
            "verdict": str(longest.verdict),
            "rule": longest.rule,
            "events": self.events,
            "blocked_ms": round(self.blocked_ms, 3),
            "longest_ms": round(longest.duration_ms, 3),
            "tests": dict(self.tests),
            "stack": [
                {"filename": shown(frame.filename), "lineno": frame.lineno, "function": frame.name}
                for frame in longest.stack
            ],
        }


class Tally:
    """``rules`` counts, for every rule that was in force, how many stalls it allowed."""

    def __init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self._findings: dict[tuple[str, Verdict], Finding] = {}

    def add(self, found: Found) -> None:
        key = (found.fingerprint, found.verdict)
        self._findings.setdefault(key, Finding(found)).add(found)
        if found.rule:
            self.rules[found.rule] += 1

    def in_force(self, rules: Iterable[str]) -> None:
        self.rules.update(dict.fromkeys(rules, 0))

    @property
    def findings(self) -> list[Finding]:
        """New ones first, then by how long they blocked."""
        return sorted(self._findings.values(), key=lambda each: (_WORST_FIRST[each.longest.verdict], -each.blocked_ms))

    def of(self, verdict: Verdict) -> list[Finding]:
        return [finding for finding in self.findings if finding.longest.verdict is verdict]

    def known_in(self, baseline: Baseline) -> int:
        """How many of the baseline's calls have happened."""
        found = {fingerprint for fingerprint, _ in self._findings}
        return sum(known.fingerprint in found for known in baseline.calls)

    def as_dict(self) -> dict[str, Any]:
        return {"version": VERSION, "findings": [finding.as_dict() for finding in self.findings]}
