"""Totals of routes stay few, however many routes there are, and their sums stay exact."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from loopwatch.detection.calls import KeptOut, Request
from loopwatch.models import OTHER_ROUTES, HourlyTotal, RouteTotal
from loopwatch.recorder import housekeeping, route_limit, route_pruning
from loopwatch.recorder.deltas import HourKey
from loopwatch.recorder.route_pruning import HOURS_KEPT, RouteFolding, prune_route_hours
from loopwatch.stored_time import as_stored
from tests.databases import on_sqlite
from tests.recorder.calls import blocking_call
from tests.stored import NOON, stored_event, stored_finding, stored_hour, stored_route

pytestmark = pytest.mark.usefixtures("database")

MIDNIGHT = NOON.replace(hour=0)
LATE = NOON.replace(hour=22)
DAY = timedelta(days=1)
FIGURES = ("events", "blocked_us")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Limits that a test reaches with few rows."""
    monkeypatch.setattr(route_limit, "ROUTES_PER_HOUR", 3)
    monkeypatch.setattr(route_pruning, "ROUTES_KEPT", 2)
    monkeypatch.setattr(route_pruning, "ROWS_PER_FOLD", 2)


def call(number, **changes):
    others = [Request("http", "GET", f"other/{number}/{each}/") for each in range(2)]
    delayed = {"waiting": 2, "delayed": tuple(others), "kept_out": KeptOut(2, 10.0, tuple(others))}
    return blocking_call(request=Request("http", "GET", f"page/{number}/"), **delayed | changes)


def names(rows):
    return sorted(set(rows.values_list("route", flat=True)))


def sums(rows, *columns):
    return tuple(rows.aggregate(**{column: Sum(column) for column in columns}).values())


def test_no_route_is_named_in_an_hour_that_is_no_longer_remembered():
    limit = route_limit.RouteLimit()
    keys = [HourKey(NOON + timedelta(hours=hour), "GET", "page/") for hour in range(route_limit.HOURS_REMEMBERED + 1)]
    assert [limit.limited(key) for key in keys] == keys
    assert limit.limited(keys[0]) == route_limit.others(keys[0])


@pytest.mark.parametrize("flushes", [1, 9])
def test_a_process_names_a_limited_number_of_routes_an_hour_and_counts_all(recorder_of, flushes):
    recorder = recorder_of()
    for number in range(9):
        recorder.put(call(number))
        if flushes > 1:
            assert recorder.flush(60)
    assert recorder.flush(60)
    named = ["other/0/0/", "other/0/1/", "page/0/"]
    for hours in RouteTotal.Hours:
        rows = RouteTotal.objects.filter(hours=hours)
        assert names(rows) == [OTHER_ROUTES, *named]
        assert sums(rows, "events", "waits", "arrivals_late") == (9, 18, 18)
    assert names(HourlyTotal.objects) == [OTHER_ROUTES, "page/0/"]
    assert sums(HourlyTotal.objects, "events", "under_150ms") == (9, 9)


def test_routes_of_the_next_hour_are_named_again(recorder_of):
    recorder = recorder_of()
    for hour in range(9):
        recorder.put(blocking_call(minute=hour * 60.0, request=Request("http", "GET", f"page/{hour}/")))
    assert recorder.flush(60)
    assert names(HourlyTotal.objects) == [f"page/{hour}/" for hour in range(9)]


def test_a_stall_that_goes_on_keeps_its_route(recorder_of):
    recorder = recorder_of()
    recorder.put(call(0, stall_id="long", ongoing=True))
    for number in range(1, 9):
        recorder.put(call(number))
    recorder.put(call(0, stall_id="long", duration_ms=200.0))
    assert recorder.flush(60)
    (hour,) = HourlyTotal.objects.filter(route="page/0/")
    assert (hour.events, hour.blocked_us) == (1, 200_000)


def stored_days(days, routes):
    """Store so many routes of each day, numbered from that of noon; the last ones have the most impact."""
    finding = stored_finding(first_seen=as_stored(NOON), last_seen=as_stored(NOON))
    for day in days:
        for number in range(routes):
            route = {"method": "GET", "route": f"page/{number}/"}
            caused = {"events": 1, "blocked_us": 1_000 * number, "longest_us": 1_000 * number}
            stored_route(hours=24, start=as_stored(MIDNIGHT + day * DAY), waits=1, **route, **caused)
            stored_hour(finding, number, hour=as_stored(LATE + day * DAY), **route)
    return finding


def test_old_days_keep_the_routes_with_the_most_impact_and_every_sum(database):
    stored_days([-2, -1, 0], 9)
    before = sums(RouteTotal.objects, *FIGURES, "waits"), sums(HourlyTotal.objects, *FIGURES)
    folding = RouteFolding()
    for _ in range(20):
        folding.run(database.alias, as_stored(MIDNIGHT + timedelta(hours=23)))
    old = RouteTotal.objects.filter(start__lt=as_stored(MIDNIGHT))
    assert names(old) == [OTHER_ROUTES, "page/7/", "page/8/"]
    assert old.count() == 6
    others = old.filter(route=OTHER_ROUTES).values_list("method", "longest_us", "waits")
    assert list(others) == [("", 6_000, 7)] * 2
    assert HourlyTotal.objects.filter(hour__lt=as_stored(MIDNIGHT)).count() == 6
    assert len(names(RouteTotal.objects.filter(start=as_stored(MIDNIGHT)))) == 9
    assert HourlyTotal.objects.filter(hour=as_stored(LATE)).count() == 9
    assert (sums(RouteTotal.objects, *FIGURES, "waits"), sums(HourlyTotal.objects, *FIGURES)) == before


def test_hours_of_different_findings_and_releases_are_not_added_up(database):
    for _ in range(2):
        finding = stored_days([-1], 0)
        for release in ("1", "2"):
            for number in range(4):
                stored_hour(finding, 9, hour=as_stored(NOON - DAY), route=f"page/{number}/", release=release)
    stored_route(hours=24, start=as_stored(MIDNIGHT - DAY))
    folding = RouteFolding()
    for _ in range(20):
        folding.run(database.alias, as_stored(MIDNIGHT))
    rows = HourlyTotal.objects.filter(route=OTHER_ROUTES)
    assert sorted(rows.values_list("release", "events")) == [("1", 2)] * 2 + [("2", 2)] * 2


@on_sqlite
def test_days_are_those_of_utc_in_a_time_zone_of_half_an_hour(database, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Kolkata"
    stored_days([-1, 0], 9)
    folding = RouteFolding()
    for _ in range(20):
        folding.run(database.alias, as_stored(MIDNIGHT))
    assert HourlyTotal.objects.filter(hour=as_stored(LATE - DAY)).count() == 3
    assert HourlyTotal.objects.filter(hour=as_stored(LATE)).count() == 9


def test_hours_of_routes_are_deleted_when_pages_show_days(database):
    for number in range(3):
        stored_route(start=as_stored(NOON), route=f"page/{number}/")
    stored_route(hours=24, start=as_stored(MIDNIGHT))
    prune_route_hours(database.alias, NOON + HOURS_KEPT)
    assert RouteTotal.objects.count() == 4
    for left in (2, 1, 1):
        prune_route_hours(database.alias, NOON + HOURS_KEPT + timedelta(seconds=1))
        assert RouteTotal.objects.count() == left
    assert RouteTotal.objects.get().hours == RouteTotal.Hours.DAY


def test_the_writer_keeps_totals_of_routes_few(recorder_of, monkeypatch):
    monkeypatch.setattr(housekeeping, "PRUNE_INTERVAL_S", -1.0)
    now = timezone.now()
    stored_event(stored_finding(), started_at=now - timedelta(hours=3))
    for number in range(4):
        for hours in RouteTotal.Hours:
            stored_route(hours=hours, start=now - timedelta(days=100), route=f"page/{number}/")
    recorder = recorder_of()
    recorder.put(blocking_call(started_at=now))
    assert recorder.flush(60)
    old = RouteTotal.objects.filter(start__lt=now - timedelta(days=90))
    assert old.filter(hours=1).count() == 2
    assert OTHER_ROUTES in names(old.filter(hours=24))
    assert recorder.stats().errors == {}
