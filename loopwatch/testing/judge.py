"""Judges what was found: new, known or allowed."""

from collections.abc import Sequence
from dataclasses import dataclass

from loopwatch.detection.rules import Rule
from loopwatch.testing.baseline import NOTHING_KNOWN, Baseline
from loopwatch.testing.finding import Channel, FindingInTest, Verdict

# The first test to need a module imports it, and the collector comes when it comes: whichever test they fall on has not
# caused them, and the next run may choose another.
BUILT_IN = (Rule("import * (built in)", "import *"), Rule("gc.collect (built in)", "gc.collect (automatic)"))


@dataclass(frozen=True, slots=True)
class Judge:
    """Applies the project's rules and its baseline.

    ``rules`` are for stalls, ``strict_rules`` for strict calls. With ``updates_baseline``, new findings pass as known.
    """

    rules: tuple[Rule, ...] = ()
    strict_rules: tuple[Rule, ...] = ()
    baseline: Baseline = NOTHING_KNOWN
    updates_baseline: bool = False

    def judge(self, found: FindingInTest, rules: Sequence[Rule] = ()) -> FindingInTest:
        """With the test's own ``rules`` first, so that a hit counts for the nearest one."""
        of_project = (*self.rules, *BUILT_IN) if found.channel is Channel.STALL else self.strict_rules
        for rule in (*rules, *of_project):
            if rule.matches(found.names, found.function, found.test):
                return found.with_verdict(Verdict.ALLOWED, rule.text)
        if self.updates_baseline or self.baseline.knows(found):
            return found.with_verdict(Verdict.KNOWN)
        return found
