from datetime import timedelta

import pytest

from loopwatch.reporting.fail_on import FailOn, failures
from loopwatch.reporting.selection import Selection
from tests.stored import NOON, stored_finding, stored_hour

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def failing(*conditions, over_ms=0.0, compared=None, **options):
    found = failures(FailOn(frozenset(conditions), over_ms, compared), Selection(**options))
    return [failure.finding.partition(" in ")[2] for failure in found]


def happened(function, **columns):
    finding = stored_finding(function=function, **columns)
    stored_hour(finding, finding.longest_us / 1000, hour=NOON)
    return finding


def test_any_finding_of_the_status_fails_those_that_blocked_most_first():
    happened("some")
    happened("most", blocked_us=10**9)
    happened("resolved", status="resolved")
    assert failing("any") == ["most", "some"]
    assert failing("any", status="resolved") == ["resolved"]


def test_new_is_what_was_first_seen_in_the_period():
    happened("old", first_seen=NOON - DAY)
    happened("new", first_seen=NOON + timedelta(minutes=1))
    assert failing("new", since=NOON) == ["new"]


def test_what_was_seen_earlier_in_the_first_hour_is_not_new():
    happened("minutes before", first_seen=NOON + timedelta(minutes=10))
    assert failing("new", since=NOON + timedelta(minutes=30)) == []


def test_regressed_is_what_was_resolved_and_seen_again():
    happened("old")
    happened("again", reopened_at=NOON)
    happened("resolved once more", reopened_at=NOON, status="resolved")
    happened("again, long ago", reopened_at=NOON - DAY)
    assert failing("regressed", status="all") == ["again", "again, long ago"]
    assert failing("regressed", status="all", since=NOON) == ["again"]


def test_a_finding_that_was_ignored_until_its_condition_was_met_has_not_regressed():
    for condition in ("", "new release", "release", "longer", "more"):
        happened(f"after {condition}", reopened_at=NOON, reopen_when=condition)
    failed = failures(FailOn(frozenset({"regressed"})), Selection())
    reasons = {each.finding.partition(" in ")[2]: each.reason for each in failed}
    assert reasons == {"after ": "seen again after being resolved", "after new release": "seen in a new release"}
    assert len(failing("any")) == 5


def test_between_releases_new_and_worse_are_different_reasons():
    for function, before, after in (
        ("new", 0, 1),
        ("worse", 10, 90),
        ("same", 5, 5),
        ("gone", 5, 0),
        ("better", 90, 10),
    ):
        finding = stored_finding(function=function)
        for number, release, hour in ((before, "1.4", NOON), (after, "1.5", NOON + timedelta(hours=1))):
            if number:
                stored_hour(finding, *[100] * number, hour=hour, release=release)
    stored_hour(stored_finding(status="ignored"), 60, hour=NOON + timedelta(hours=2), release="1.6")
    compared = {"compared": ("1.4", "1.5"), "status": "all"}
    assert failing("new", **compared) == ["new"]
    assert failing("regressed", **compared) == ["worse"]
    assert failing("new", "regressed", **compared) == ["worse", "new"]
    assert failing("any", **compared) == ["worse", "better", "same", "new"]


def test_only_what_blocked_for_so_long_at_once_fails():
    happened("short", longest_us=99_999)
    happened("long", longest_us=100_000)
    assert failing("any", over_ms=100) == ["long"]


def test_a_limit_applies_to_the_longest_event_of_the_period():
    finding = stored_finding(longest_us=900_000)
    stored_hour(finding, 900, hour=NOON - DAY)
    stored_hour(finding, 60, hour=NOON)
    assert failing("any", over_ms=100, since=NOON) == []


def test_an_ignored_finding_fails_only_a_report_about_ignored_ones():
    happened("ignored", status="ignored")
    assert failing("any", status="all") == []
    assert failing("any", status="ignored") == ["ignored"]


def test_every_finding_is_asked_not_only_those_listed():
    for number in range(5):
        happened(f"finding {number}")
    assert len(failing("any", limit=1)) == 5


def test_a_failure_says_its_reason():
    happened("new", first_seen=NOON, longest_us=1_500_000)
    (failure,) = failures(FailOn(frozenset({"new", "any"})), Selection(since=NOON))
    assert str(failure) == "time.sleep in new (new, up to 1.5 s)"
