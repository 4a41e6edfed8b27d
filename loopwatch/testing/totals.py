"""Adds up what was found in all tests of a run: one entry a finding, how often each rule was hit."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loopwatch.testing.finding import Channel, FindingInTest, Verdict, short_path

VERSION = 1
_WORST_FIRST = {Verdict.NEW: 0, Verdict.KNOWN: 1, Verdict.ALLOWED: 2}


@dataclass(slots=True)
class FindingTotals:
    """All that was found with one fingerprint and one verdict. The longest stall stands for them; ``calls`` counts each
    call by its name."""

    longest: FindingInTest
    events: int = 0
    blocked_ms: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    tests: Counter[str] = field(default_factory=Counter)

    def add(self, found: FindingInTest) -> None:
        self.events += found.count
        self.blocked_ms += found.blocked_ms
        self.calls[found.blocking_call] += found.count
        self.tests[found.test] += found.count
        if found.duration_ms > self.longest.duration_ms:
            self.longest = found

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
    """``rules`` counts, for every rule that was in force, how much it allowed. ``disturbances`` counts the stalls that
    were the machine's doing, and ``dropped`` what there was no room for."""

    def __init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self.disturbances = 0
        self.dropped = 0
        self._findings: dict[tuple[str, Verdict], FindingTotals] = {}

    def add(self, found: FindingInTest) -> None:
        key = (found.fingerprint, found.verdict)
        self._findings.setdefault(key, FindingTotals(found)).add(found)
        if found.rule:
            self.rules[found.rule] += found.count

    def add_rules(self, rules: Iterable[str]) -> None:
        self.rules.update(dict.fromkeys(rules, 0))

    def of(self, channel: Channel, *verdicts: Verdict) -> list[FindingTotals]:
        """New ones first, then by how long they blocked, or how often."""
        found = [finding for finding in self._findings.values() if finding.longest.channel is channel]
        found.sort(key=lambda each: (_WORST_FIRST[each.longest.verdict], -each.blocked_ms, -each.events))
        return [finding for finding in found if not verdicts or finding.longest.verdict in verdicts]

    @property
    def fingerprints(self) -> set[str]:
        return {fingerprint for fingerprint, _ in self._findings}

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "findings": [finding.as_dict() for finding in self.of(Channel.STALL)],
            "strict": [finding.as_dict() for finding in self.of(Channel.STRICT)],
        }
