"""Judges each finding of a test as new, known or allowed."""

from collections.abc import Sequence
from dataclasses import dataclass

from loopwatch.detection.strict.allow_rules import Rule
from loopwatch.testing.baseline import NOTHING_KNOWN, Baseline
from loopwatch.testing.finding import Channel, FindingInTest, Verdict

# Which test is the first to import a module, or is running when the collector starts, is chance: the test did not cause
# the stall, and the next run may hit another test.
_IMPORT = "import * (built in)"
BUILT_IN = (
    Rule(_IMPORT, "import *"),
    Rule(_IMPORT, "importlib.import_module"),
    Rule("gc.collect (built in)", "gc.collect (automatic)"),
)


@dataclass(frozen=True, slots=True)
class Judge:
    """Applies the project's rules and its baseline.

    ``rules`` are for stalls, ``strict_rules`` for strict calls. With ``updates_baseline``, new findings pass as known.
    """

    rules: tuple[Rule, ...] = ()
    strict_rules: tuple[Rule, ...] = ()
    baseline: Baseline = NOTHING_KNOWN
    updates_baseline: bool = False

    def judge(self, finding: FindingInTest, rules: Sequence[Rule] = ()) -> FindingInTest:
        """Return the finding with its verdict. The test's own ``rules`` come first, so that they count as used."""
        project_rules = (*self.rules, *BUILT_IN) if finding.channel is Channel.STALL else self.strict_rules
        for rule in (*rules, *project_rules):
            if rule.matches(finding.names, finding.function, finding.test):
                return finding.with_verdict(Verdict.ALLOWED, rule.text)
        if self.updates_baseline or self.baseline.knows(finding):
            return finding.with_verdict(Verdict.KNOWN)
        return finding
