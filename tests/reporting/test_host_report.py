from datetime import UTC, datetime, timedelta

import pytest

from loopwatch.models import LoopTime
from loopwatch.recorder import loop_times
from loopwatch.reporting import host_report
from loopwatch.reporting.host_report import build_host_report
from loopwatch.reporting.selection import Selection
from loopwatch.stored_time import whole_hour
from tests.stored import stored_event, stored_finding

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
THIS_HOUR = NOW.replace(minute=0, second=0, microsecond=0)


def stored_time(host, start=THIS_HOUR, **columns):
    defaults = {"minutes": 60, "process_id": 4711, "since": THIS_HOUR, "events": 1, "blocked_us": 100_000}
    return LoopTime.objects.create(host=host, start=start, **defaults | columns)


def test_every_process_and_hour_of_a_host_is_added_up():
    stored_time("web-1", blocked_us=100_000, longest_us=90_000, requests_delayed=3, delay_us=4_000)
    stored_time("web-1", process_id=4712, blocked_us=100_000, longest_us=80_000)
    stored_time("web-1", start=THIS_HOUR - timedelta(hours=1), events=5, requests_delayed=1, delay_us=1_000)
    stored_time("web-2", blocked_us=900_000)
    second, first = build_host_report(Selection()).groups
    assert (second.name, second.blocked_ms) == ("web-2", 900)
    assert (first.name, first.events, first.blocked_ms, first.longest_ms) == ("web-1", 7, 300, 90)
    assert (first.requests_delayed, first.delay_ms, first.p95_ms) == (4, 5, None)


def test_minutes_are_not_counted_beside_their_hour():
    stored_time("web-1")
    stored_time("web-1", minutes=1)
    assert build_host_report(Selection()).groups[0].events == 1


def test_only_the_period_counts_and_no_more_than_is_kept():
    stored_time("web-1", start=THIS_HOUR - timedelta(hours=1))
    stored_time("web-1")
    assert build_host_report(Selection(since=NOW)).groups[0].events == 1
    report = build_host_report(Selection(since=NOW - timedelta(days=365)))
    assert report.since == whole_hour(report.generated_at - host_report.KEPT)
    assert loop_times.KEPT[LoopTime.Minutes.HOUR] == host_report.KEPT


def test_the_worst_finding_of_a_host_is_known_from_its_events():
    often, long = stored_finding(function="shop.often"), stored_finding(function="shop.long")
    for host, finding, duration_us in (
        ("web-1", often, 60),
        ("web-1", often, 60),
        ("web-1", long, 100),
        ("web-2", long, 1),
    ):
        stored_event(finding, host=host, duration_us=duration_us, started_at=NOW)
    stored_time("web-1")
    stored_time("web-3", blocked_us=1)
    report = build_host_report(Selection())
    first, third = report.groups
    assert (first.findings, first.worst) == (2, "time.sleep in shop.often")
    assert (third.findings, third.worst) == (0, "")


def test_more_hosts_cost_no_more_queries(django_assert_max_num_queries):
    finding = stored_finding()
    for number in range(60):
        stored_time(f"web-{number}")
        stored_event(finding, host=f"web-{number}", started_at=NOW)
    with django_assert_max_num_queries(4):
        report = build_host_report(Selection(limit=7))
    assert (len(report.groups), report.groups_in_all, report.totals.events) == (7, 60, 60)
