from datetime import timedelta

import pytest

from loopwatch.models import Finding
from loopwatch.reporting.finding_report import build_report
from loopwatch.reporting.selection import SORTS, Selection
from tests.stored import NOON, stored_finding, stored_hour

pytestmark = pytest.mark.django_db


def report(**options):
    return build_report(Selection(**{"status": "all"} | options))


def test_without_a_beginning_the_counters_of_the_finding_count():
    stored_finding(events=7, blocked_us=1_234_567, longest_us=900_001, requests_delayed=4, delay_us=2_500)
    (finding,) = report().findings
    figures = (finding.events, finding.blocked_ms, finding.longest_ms, finding.requests_delayed, finding.delay_ms)
    assert figures == (7, 1234.567, 900.001, 4, 2.5)


def test_with_a_beginning_the_hours_from_the_one_that_contains_it_count():
    finding = stored_finding(events=100, blocked_us=10**9, longest_us=10**8)
    stored_hour(finding, 500, hour=NOON - timedelta(hours=1))
    stored_hour(finding, 60, 80, hour=NOON, requests_delayed=3, delay_us=4_000)
    stored_hour(finding, 70, hour=NOON + timedelta(hours=1), route="cart/")
    result = report(since=NOON + timedelta(minutes=59))
    assert result.since == NOON
    (row,) = result.findings
    assert (row.events, row.blocked_ms, row.longest_ms) == (3, 210, 80)
    assert (row.requests_delayed, row.delay_ms) == (3, 4)
    assert result.totals.events == 3


def test_findings_without_events_since_are_not_in_the_report():
    stored_hour(stored_finding(), 60, hour=NOON - timedelta(hours=1))
    result = report(since=NOON)
    assert (result.findings, result.totals.findings, result.stored) == ((), 0, 1)


def test_totals_cover_all_that_match_not_only_those_listed():
    for _ in range(3):
        stored_finding(events=2, blocked_us=500)
    stored_finding(status="ignored", events=9)
    result = report(limit=1, status="open")
    assert len(result.findings) == 1
    assert (result.totals.findings, result.totals.events, result.totals.blocked_ms) == (3, 6, 1.5)


@pytest.mark.parametrize("status", Finding.Status.values)
def test_only_the_status_asked_for_is_listed(status):
    for each in Finding.Status.values:
        stored_finding(status=each)
    assert [row.status for row in report(status=status).findings] == [status]
    assert len(report().findings) == 3


@pytest.mark.parametrize("since", [None, NOON])
@pytest.mark.parametrize("sort", SORTS)
def test_the_largest_comes_first(sort, since):
    columns = {
        "impact": {"blocked_us": 8_000_000, "delay_us": 4_000_000, "kept_out_us": 4_000_000},
        "blocked": {"blocked_us": 9_000_000, "delay_us": 7_000},
        "events": {"events": 99},
        "longest": {"longest_us": 800_000},
        "p95": {"longest_us": 95_000},
        "last-seen": {"last_seen": NOON + timedelta(days=1)},
        "delay": {"blocked_us": 1, "delay_us": 1_000, "kept_out_us": 9_000_000},
    }
    durations_ms = {"p95": [95] * 20, "longest": [*[60] * 40, 800]}
    for name, values in columns.items():
        finding = stored_finding(function=name, **values)
        in_hour = {key: value for key, value in values.items() if key != "last_seen"}
        stored_hour(finding, *durations_ms.get(name, [60]), **in_hour)
    Finding.objects.filter(function="p95").update(events=1, blocked_us=1)
    assert report(sort=sort, since=since, limit=1).findings[0].function == sort


def test_the_percentile_comes_from_the_histogram_and_never_exceeds_the_longest():
    finding = stored_finding(longest_us=90_000)
    stored_hour(finding, *[30] * 90)
    stored_hour(finding, *[90] * 10, route="cart/")
    assert 75 < report().findings[0].p95_ms <= 90


def test_a_finding_whose_hours_are_gone_has_no_percentile():
    stored_finding()
    assert report().findings[0].p95_ms is None
    assert report(sort="p95").totals.findings == 1


def test_a_finding_whose_only_stall_goes_on_has_no_percentile():
    stored_hour(stored_finding(), 5_000, under_10000ms=0)
    assert report().findings[0].p95_ms is None


def test_routes_come_most_blocked_first_over_all_hours_and_releases():
    finding = stored_finding()
    stored_hour(finding, 300, route="slow/")
    stored_hour(finding, 200, route="often/")
    stored_hour(finding, 200, route="often/", release="2")
    stored_hour(finding, 900, method="", route="")
    stored_hour(finding, 10, method="", route="ws/chat/")
    assert report().findings[0].routes == ("GET often/", "GET slow/", "ws/chat/")


@pytest.mark.parametrize(("route", "events"), [("slow/", 2), ("", 0)])
def test_a_finding_with_routes_says_how_many_events_had_none(route, events):
    finding = stored_finding()
    stored_hour(finding, 300, method="", route=route, release="2")
    stored_hour(finding, 900, 900, method="", route="")
    assert report().findings[0].events_without_route == events


def test_a_reopened_finding_says_so_until_it_is_resolved_again():
    stored_finding(reopened_at=NOON)
    stored_finding(reopened_at=NOON, status="resolved")
    assert {row.status: row.reopened for row in report().findings} == {"open": True, "resolved": False}


@pytest.mark.parametrize("since", [None, NOON])
def test_more_findings_cost_no_more_queries(django_assert_max_num_queries, since):
    for _ in range(60):
        stored_hour(stored_finding(), 60, 70)
    with django_assert_max_num_queries(7):
        assert len(report(limit=60, since=since).findings) == 60


def test_more_findings_than_one_query_may_name_are_all_reported():
    Finding.objects.bulk_create(
        Finding(fingerprint=f"{n:032}", blocking_call="f", function="g", first_seen=NOON, last_seen=NOON, blocked_us=n)
        for n in range(1_201)
    )
    rows = report(limit=5_000).findings
    assert [row.blocked_ms for row in rows] == [n / 1000 for n in reversed(range(1_201))]


def test_without_time_zone_support_moments_still_have_an_offset(settings):
    settings.USE_TZ = False
    naive = NOON.replace(tzinfo=None)
    finding = stored_finding(first_seen=naive, last_seen=naive)
    stored_hour(finding, 60, hour=naive)
    (row,) = report(since=NOON - timedelta(days=1)).findings
    assert row.first_seen.utcoffset() is not None
