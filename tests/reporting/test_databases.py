"""Every kind of report works on every database, although they return sums in different types."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import make_naive

from loopwatch.models import LoopTime
from loopwatch.reporting.as_json import render_json
from loopwatch.reporting.comparison_report import build_comparison
from loopwatch.reporting.fail_on import FailOn, failures
from loopwatch.reporting.finding_report import build_report
from loopwatch.reporting.group_report import GROUPINGS, build_grouped_report
from loopwatch.reporting.host_report import build_host_report
from loopwatch.reporting.selection import SORTS, Selection
from tests.stored import stored_event, stored_finding, stored_hour

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
SELECTIONS = [Selection(), Selection(since=HOUR, status="all")]


@pytest.fixture
def store(database):
    finding = stored_finding(first_seen=HOUR, last_seen=HOUR)
    for release, hour in (("1.4", HOUR), ("1.5", HOUR + timedelta(hours=1))):
        stored_hour(finding, 60, 120, hour=hour, release=release, requests_delayed=2, delay_us=240_000)
    stored_event(finding, started_at=HOUR)
    LoopTime.objects.create(
        minutes=60, start=HOUR, host="web-1", process_id=1, since=HOUR, events=4, blocked_us=360_000, longest_us=120_000
    )


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("selection", SELECTIONS, ids=["all time", "since"])
class TestReports:
    def test_findings_are_reported_on_every_database(self, selection):
        (finding,) = json.loads(render_json(build_report(selection)))["findings"]
        if selection.since:
            assert (finding["events"], finding["blocked_ms"], finding["delay_ms"]) == (4, 360, 480)
        assert 60 < finding["p95_ms"] <= 120

    @pytest.mark.parametrize("sort", SORTS)
    def test_findings_can_be_sorted_on_every_database(self, selection, sort):
        json.loads(render_json(build_report(Selection(since=selection.since, sort=sort))))

    @pytest.mark.parametrize("group_by", GROUPINGS)
    def test_groups_are_reported_on_every_database(self, selection, group_by):
        document = json.loads(render_json(build_grouped_report(selection, group_by)))
        assert sum(group["blocked_ms"] for group in document["groups"]) == 360

    def test_hosts_are_reported_on_every_database(self, selection):
        (host,) = json.loads(render_json(build_host_report(selection)))["groups"]
        assert (host["host"], host["blocked_ms"], host["worst"]) == (
            "web-1", 360, "time.sleep in shop.views.checkout",
        )  # fmt: skip

    def test_two_releases_are_compared_on_every_database(self, selection):
        (finding,) = json.loads(render_json(build_comparison(selection, "1.4", "1.5")))["findings"]
        assert (finding["change"]["kind"], finding["change"]["before"]["blocked_ms_per_hour"]) == ("same", 180)

    def test_findings_that_fail_are_found_on_every_database(self, selection):
        fail_on = FailOn(frozenset({"any", "regressed"}), 100.0, ("1.4", "1.5"))
        assert [failure.longest_ms for failure in failures(fail_on, selection)] == [120]


@pytest.mark.django_db
def test_without_time_zone_support_the_periods_are_the_same(settings):
    settings.USE_TZ = False
    naive = make_naive(HOUR)
    finding = stored_finding(first_seen=naive, last_seen=naive)
    for release, hour in (("1.3", naive - timedelta(hours=1)), ("1.4", naive), ("1.5", naive + timedelta(hours=1))):
        stored_hour(finding, 60, hour=hour, release=release)
    LoopTime.objects.create(minutes=60, start=naive, host="web-1", process_id=1, since=naive, events=1)
    selection = Selection(since=HOUR)
    assert build_grouped_report(selection, "route").groups[0].events == 2
    assert build_host_report(selection).groups[0].events == 1
    compared = build_comparison(selection, "1.4", "1.5").comparison
    assert (compared.before.begin, compared.before.hours) == (HOUR, 1)
    assert [failure.reason for failure in failures(FailOn(frozenset({"new"})), selection)] == ["new"]
