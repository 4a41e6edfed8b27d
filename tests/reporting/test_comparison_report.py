from datetime import timedelta

import pytest

from loopwatch.reporting.comparison_report import UnknownReleaseError, build_comparison
from loopwatch.reporting.release_change import BETTER, GONE, KINDS, NEW, SAME, WORSE, Change, Rate
from loopwatch.reporting.selection import Selection
from tests.stored import NOON, stored_finding, stored_hour

HOUR = timedelta(hours=1)


def rate(events, each_ms=100.0, hours=10.0):
    return Rate(hours=hours, events=events, blocked_ms=events * each_ms, longest_ms=each_ms, p95_ms=each_ms)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (rate(0), rate(5), NEW),
        (rate(5), rate(0), GONE),
        (rate(100), rate(200), WORSE),
        (rate(100), rate(40), BETTER),
        (rate(100), rate(105), SAME),
        (rate(100, each_ms=100), rate(100, each_ms=300), WORSE),
        (rate(100, hours=10), rate(100, hours=100), BETTER),
        (rate(100, hours=10), rate(1000, hours=100), SAME),
        # Twice as often, but so seldom that it may be chance.
        (rate(2), rate(4), SAME),
        # Certainly more, but too little more to matter.
        (rate(100_000), rate(110_000), SAME),
    ],
)
def test_a_change_is_judged_by_hour_of_service_and_beyond_chance(before, after, kind):
    assert Change(before, after).kind == kind


@pytest.mark.parametrize(
    ("before", "after", "is_early"),
    [
        (rate(10, hours=100), rate(0, hours=1), True),
        (rate(10, hours=100), rate(0, hours=100), False),
        (rate(0, hours=1), rate(10, hours=100), True),
        (rate(0, hours=100), rate(10, hours=100), False),
        (rate(1), rate(1), False),
    ],
)
def test_what_may_be_absent_by_chance_is_too_early_to_tell(before, after, is_early):
    assert Change(before, after).is_early is is_early


@pytest.mark.django_db
class TestComparison:
    @pytest.fixture
    def findings(self):
        """Stores a finding of each kind: 1.4 was in service for ten hours, then 1.5 for ten hours, then 1.6."""
        counts = {NEW: (0, 2), WORSE: (2, 9), GONE: (3, 0), BETTER: (9, 2), SAME: (5, 5)}
        for kind, numbers in counts.items():
            finding = stored_finding(function=f"shop.{kind}")
            for release, number, begin in zip(("1.4", "1.5"), numbers, (NOON, NOON + 10 * HOUR), strict=True):
                for hour in range(10 if number else 0):
                    stored_hour(finding, *[100] * number, hour=begin + hour * HOUR, release=release)
        stored_hour(stored_finding(status="ignored"), 60, hour=NOON + 20 * HOUR, release="1.6")

    def test_every_kind_is_found_and_counted(self, findings):
        report = build_comparison(Selection(status="open"), "1.4", "1.5")
        assert [(finding.function, finding.change.kind) for finding in report.findings] == [
            (f"shop.{kind}", kind) for kind in KINDS
        ]
        assert report.comparison.counts == dict.fromkeys(KINDS, 1)

    def test_the_figures_are_those_of_the_later_release(self, findings):
        report = build_comparison(Selection(status="open"), "1.4", "1.5")
        worse = report.findings[1]
        assert (worse.events, worse.blocked_ms, worse.change.before.events) == (90, 9_000, 20)
        assert (report.totals.findings, report.totals.events) == (4, 180)

    def test_the_limit_is_for_each_kind_and_the_largest_change_comes_first(self):
        for number in (1, 5, 3):
            stored_hour(stored_finding(function=f"new.{number}"), *[100] * number, release="1.5")
        stored_hour(stored_finding(function="gone"), 100, release="1.4")
        report = build_comparison(Selection(limit=2), "1.4", "1.5")
        assert [finding.function for finding in report.findings] == ["new.5", "new.3", "gone"]
        assert report.comparison.counts[NEW] == 3

    def test_a_release_is_in_service_until_the_next_one_is_seen(self):
        finding = stored_finding()
        stored_hour(finding, 60, hour=NOON, release="1.4")
        stored_hour(finding, 60, hour=NOON + 5 * HOUR, release="1.5")
        stored_hour(finding, 60, hour=NOON + 6 * HOUR, release="1.5")
        stored_hour(finding, 60, hour=NOON + 20 * HOUR, release="1.6")
        compared = build_comparison(Selection(), "1.4", "1.5").comparison
        assert (compared.before.begin, compared.before.end) == (NOON, NOON + 5 * HOUR)
        assert (compared.after.hours, compared.after.events, compared.after.blocked_ms) == (15, 2, 120)

    def test_a_release_that_still_stalls_is_in_service_beside_the_next(self):
        finding = stored_finding()
        stored_hour(finding, 60, hour=NOON, release="1.4")
        stored_hour(finding, 60, hour=NOON + 3 * HOUR, release="1.4")
        stored_hour(finding, 60, hour=NOON + HOUR, release="1.5")
        assert build_comparison(Selection(), "1.4", "1.5").comparison.before.hours == 4

    def test_events_without_a_release_can_be_compared(self):
        stored_hour(stored_finding(), 60)
        stored_hour(stored_finding(), 60, release="1.5")
        assert build_comparison(Selection(), "", "1.5").comparison.counts[NEW] == 1

    def test_only_the_period_counts(self):
        finding = stored_finding()
        stored_hour(finding, 60, hour=NOON - HOUR, release="1.4")
        stored_hour(finding, 60, hour=NOON, release="1.4")
        stored_hour(finding, 60, hour=NOON, release="1.5")
        assert build_comparison(Selection(since=NOON), "1.4", "1.5").comparison.before.events == 1

    def test_an_unknown_release_names_those_that_are_known_the_latest_first(self):
        for number in range(12):
            stored_hour(stored_finding(), 60, hour=NOON + number * HOUR, release=f"1.{number}")
        with pytest.raises(UnknownReleaseError) as caught:
            build_comparison(Selection(), "1.4", "2.0")
        assert "'2.0'. Known are, the latest first: '1.11', '1.10', '1.9'" in str(caught.value)
        assert str(caught.value).endswith("'1.2' and 2 more.")

    def test_without_any_release_the_setting_is_named(self):
        stored_hour(stored_finding(), 60)
        with pytest.raises(UnknownReleaseError, match=r'LOOPWATCH\["RELEASE"\]'):
            build_comparison(Selection(), "1.4", "1.5")

    def test_more_findings_cost_no_more_queries(self, findings, django_assert_max_num_queries):
        for number in range(60):
            stored_hour(stored_finding(), 60, release=f"1.{4 + number % 2}", route=f"{number}/")
        with django_assert_max_num_queries(7):
            build_comparison(Selection(status="all", limit=100), "1.4", "1.5")
