"""Adds up the findings of all tests of a run, and counts how often each rule was used."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loopwatch.testing.finding import Channel, FindingInTest, Verdict, short_path

VERSION = 1
_WORST_FIRST = {Verdict.NEW: 0, Verdict.KNOWN: 1, Verdict.ALLOWED: 2}


@dataclass(slots=True)
class FindingTotals:
    """Adds up the findings with one fingerprint and one verdict.

    ``longest`` is the one to show. ``calls`` counts calls by name, ``tests`` by test.
    """

    longest: FindingInTest
    events: int = 0
    blocked_ms: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    tests: Counter[str] = field(default_factory=Counter)

    def add(self, finding: FindingInTest) -> None:
        self.events += finding.count
        self.blocked_ms += finding.blocked_ms
        self.calls[finding.blocking_call] += finding.count
        self.tests[finding.test] += finding.count
        if finding.duration_ms > self.longest.duration_ms:
            self.longest = finding

    def as_dict(self) -> dict[str, Any]:
        longest = self.longest
        return {
            "fingerprint": longest.fingerprint,
            "blocking_call": longest.name,
            "function": longest.function,
            "filename": short_path(longest.filename),
            "lineno": longest.lineno,
            "source": longest.source,
            "verdict": str(longest.verdict),
            "rule": longest.rule,
            **(self._stall_fields() if longest.channel is Channel.STALL else self._strict_fields()),
            "tests": dict(self.tests),
            "stack": [
                {"filename": short_path(frame.filename), "lineno": frame.lineno, "function": frame.name}
                for frame in longest.stack
            ],
        }

    def _stall_fields(self) -> dict[str, Any]:
        return {
            "exact": self.longest.exact,
            "cause": self.longest.reason,
            "events": self.events,
            "blocked_ms": round(self.blocked_ms, 3),
            "longest_ms": round(self.longest.duration_ms, 3),
        }

    def _strict_fields(self) -> dict[str, Any]:
        return {"kind": self.longest.reason, "calls": dict(self.calls)}


class RunTotals:
    """Adds up a whole run.

    ``rules`` counts what each rule allowed, including rules that allowed nothing. ``disturbances`` counts stalls caused
    by the machine, ``dropped`` calls lost because a buffer was full.
    """

    def __init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self.disturbances = 0
        self.dropped = 0
        self._findings: dict[tuple[str, Verdict], FindingTotals] = {}

    def add(self, finding: FindingInTest) -> None:
        key = (finding.fingerprint, finding.verdict)
        self._findings.setdefault(key, FindingTotals(finding)).add(finding)
        if finding.rule:
            self.rules[finding.rule] += finding.count

    def add_rules(self, rules: Iterable[str]) -> None:
        self.rules.update(dict.fromkeys(rules, 0))

    def of(self, channel: Channel, *verdicts: Verdict) -> list[FindingTotals]:
        """Return the findings of a channel, new ones first, then by blocked time or number of calls."""
        findings = [
            finding
            for finding in self._findings.values()
            if finding.longest.channel is channel and (not verdicts or finding.longest.verdict in verdicts)
        ]
        return sorted(findings, key=lambda each: (_WORST_FIRST[each.longest.verdict], -each.blocked_ms, -each.events))

    @property
    def fingerprints(self) -> set[str]:
        return {fingerprint for fingerprint, _ in self._findings}

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "findings": [finding.as_dict() for finding in self.of(Channel.STALL)],
            "strict": [finding.as_dict() for finding in self.of(Channel.STRICT)],
        }
