"""The verdict on a finding: by the rules of its marker, the project's rules, the built-in ones, and the baseline."""

import pytest

from loopwatch.detection.strict.allow_rules import Rule
from loopwatch.testing.baseline import Baseline, KnownCall
from loopwatch.testing.finding import Channel, Verdict
from loopwatch.testing.judge import Judge
from tests.testing.findings import found

SLEEP = Rule.parse("time.sleep")
KNOWN = Baseline(frozenset({KnownCall("time.sleep", "shop.pay", "f1")}))


def verdict(judge, finding, rules=()):
    judged = judge.judge(finding, rules)
    return judged.verdict, judged.rule


def test_a_finding_without_rules_and_baseline_is_new():
    assert verdict(Judge(), found()) == (Verdict.NEW, "")


def test_a_rule_of_the_project_allows_stalls():
    assert verdict(Judge(rules=(SLEEP,)), found()) == (Verdict.ALLOWED, "time.sleep")


def test_a_rule_for_strict_calls_does_not_allow_stalls():
    judge = Judge(strict_rules=(SLEEP,))
    assert verdict(judge, found()) == (Verdict.NEW, "")
    assert verdict(judge, found(channel=Channel.STRICT)) == (Verdict.ALLOWED, "time.sleep")


def test_a_rule_may_name_the_blocking_call_or_the_called_one():
    judge = Judge(rules=(Rule.parse("requests.get"),))
    assert verdict(judge, found(called_name="requests.get")) == (Verdict.ALLOWED, "requests.get")
    assert verdict(judge, found(blocking_call="requests.get")) == (Verdict.ALLOWED, "requests.get")


@pytest.mark.parametrize("name", ["import pandas", "importlib.import_module"])
def test_an_import_is_allowed_by_a_built_in_rule(name):
    assert verdict(Judge(), found(blocking_call=name)) == (Verdict.ALLOWED, "import * (built in)")


def test_the_rule_of_a_marker_counts_as_used_before_that_of_the_project():
    assert verdict(Judge(rules=(SLEEP,)), found(), [Rule.parse("time.*")]) == (Verdict.ALLOWED, "time.*")


@pytest.mark.parametrize("call", ["import shop.models", "gc.collect (automatic)"])
def test_imports_and_automatic_collections_are_allowed_for_stalls_only(call):
    assert verdict(Judge(), found(blocking_call=call))[0] is Verdict.ALLOWED
    assert verdict(Judge(), found(blocking_call=call, channel=Channel.STRICT))[0] is Verdict.NEW


def test_a_collection_that_the_code_asks_for_is_new():
    assert verdict(Judge(), found(blocking_call="gc.collect"))[0] is Verdict.NEW


def test_a_finding_of_the_baseline_is_known():
    assert verdict(Judge(baseline=KNOWN), found()) == (Verdict.KNOWN, "")


def test_a_rule_comes_before_the_baseline():
    assert verdict(Judge(rules=(SLEEP,), baseline=KNOWN), found())[0] is Verdict.ALLOWED


def test_every_finding_is_known_while_the_baseline_is_updated():
    assert verdict(Judge(updates_baseline=True), found())[0] is Verdict.KNOWN
